# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Writes what is left of a full vmlinux.h when only what is in use stays.

Types come out in an order that depends on their names alone, so that headers of different kernels
can be compared. It knows nothing of clang.
"""

from header import TAGGED

WHOLE_ENUM = 16  # an enum of up to so many values is kept whole, for the reader's sake


class Cut:
    def __init__(self, header, uses):
        self.header, self.uses = header, uses
        self.used = {}  # Type → its members in use
        named = [header.owners[offset] for offset in uses.members & header.owners.keys()]
        named += [header.enumerators[name] for name in uses.names & header.enumerators.keys()]
        for owner, member in named:
            self.used.setdefault(owner, set()).add(member)
        self.whole = self.spread(uses.whole)
        self.forward, self.seen, self.out = set(), set(), []

    def spread(self, keys):
        """The types themselves, and those that they hold by value."""
        found, todo = set(), set(keys)
        while todo:
            made = self.header.types.get(todo.pop())
            if made and made not in found:
                found.add(made)
                todo |= self.header.needed_complete(made.text)
        return found

    def roots(self):
        types = self.header.types
        yield from sorted(self.uses.words & types.keys())
        named = {made.key for made in self.whole | self.used.keys()}
        named |= (self.uses.asked | {key for key in self.uses.tagged if key.startswith("enum ")}) & types.keys()
        yield from sorted(named)

    def emit(self, key):
        made = self.header.types[key]
        if made in self.seen:
            return
        self.seen.add(made)
        if not made.head:
            self.need(made.text)
            self.out.append(f"{made.text};\n")
            return
        lines = self.enumerators(made) if made.is_enum() else self.fields(made, self.kept(made), 1)
        self.out.append(f"\n{made.head} {{\n{''.join(lines)}}}{made.tail};\n\n")

    def need(self, text):
        self.forward |= {" ".join(found) for found in TAGGED.findall(text) if found[0] != "enum"}
        for key in sorted(self.header.needed_complete(text)):
            self.emit(key)

    def kept(self, made):
        return None if made in self.whole else self.used.get(made, set())

    def enumerators(self, made):
        used = self.used.get(made, set())
        keep = made.members
        if len(keep) > WHOLE_ENUM:
            keep = [member for member in keep if member in used] or keep[:1]
        return [f"\t{member.text},\n" for member in keep]

    def fields(self, made, kept, depth):
        """The lines of the fields in `kept`; of all, padding included, when it is None."""
        lines, tabs = [], "\t" * depth
        for member in made.members:
            nested = member.nested or self.header.included(member.text)
            if nested:
                known = kept if member.nested or kept is None else self.kept(nested)
                inside = self.fields(nested, known, depth + 1)
                if inside:
                    head, tail = nested.head.split()[0], nested.tail
                    lines += [f"{tabs}{head} {{\n", *inside, f"{tabs}}}{tail};\n"]
            elif kept is None or member in kept:
                self.need(member.text)
                lines.append(f"{tabs}{member.text};\n")
        return lines

    def text(self):
        for key in self.roots():
            self.emit(key)
        records = {key for key in self.uses.tagged if not key.startswith("enum ")} - self.uses.declared
        self.forward |= records & self.header.types.keys()
        forward = "".join(f"{key};\n" for key in sorted(self.forward))
        return (forward + "\n" + "".join(self.out)).replace("\n\n\n", "\n\n").rstrip() + "\n"
