# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The declarations of a full vmlinux.h, read from clang's syntax tree and the header's own text.

It knows how bpftool writes such a header (one declaration each, records nested only when they have
no name) and nothing of the sources that use it.
"""

import re

TAGGED = re.compile(r"\b(struct|union|enum) (\w+)")
WORD = re.compile(r"[A-Za-z_]\w*")
ENUMERATOR_END = re.compile(r"\s*[,}]")


def is_defined(node):
    """Whether the node is a record or an enum with its members, not just its name."""
    return bool(node.get("completeDefinition") or (node["kind"] == "EnumDecl" and node.get("inner")))


class Member:
    """A field or an enumerator; `nested` is the record declared in place, if there is one."""

    def __init__(self, text, nested=None):
        self.text, self.nested = text, nested


class Type:
    """A struct, union, enum or typedef.

    key      how C names it, `struct sock` or `kuid_t`; `enum @OFFSET` when it has no name
    head     what stands before its brace, "" when it has none
    members  fields or enumerators, in the header's order
    tail     what stands between its brace and the semicolon
    text     the whole declaration as the header has it, without the semicolon
    """

    def __init__(self, key, head, text, tail=""):
        self.key, self.head, self.text, self.tail = key, head, text, tail
        self.members = []

    def is_enum(self):
        return bool(re.match(r"(typedef )?enum\b", self.head))


class Header:
    """
    types        by key
    owners       offset of a field's name → (its outermost Type, the Member)
    enumerators  name → (its Type, the Member)
    """

    def __init__(self, text):
        self.text = text
        self.types = {}
        self.owners, self.enumerators = {}, {}
        self.last_unnamed = None

    def add(self, node):
        """Takes one top-level node of the syntax tree."""
        begin = node["range"]["begin"].get("offset")
        if begin is None:
            return
        if node["kind"] == "TypedefDecl":
            self.add_typedef(node["name"], begin)
        elif is_defined(node):
            tag = node.get("tagUsed", "enum")
            made = self.read_tagged(node, tag)
            if node.get("name"):
                made.key = made.head = f"{tag} {node['name']}"
            else:
                made.key = f"{tag} @{begin}"
                self.last_unnamed = (begin, made)
            self.types[made.key] = made

    def add_typedef(self, name, begin):
        unnamed_begin, unnamed = self.last_unnamed or (None, None)
        if unnamed_begin == begin + len("typedef "):
            del self.types[unnamed.key]
            unnamed.key, unnamed.head = name, f"typedef {unnamed.head}"
            unnamed.text = f"typedef {unnamed.text}"
            self.types[name] = unnamed
        else:
            self.types[name] = Type(name, "", self.until_semicolon(begin))

    def until_semicolon(self, begin):
        return self.text[begin : self.text.index(";", begin)]

    def read_tagged(self, node, tag, top=None):
        begin, end = (node["range"][side]["offset"] for side in ("begin", "end"))
        tail = self.until_semicolon(end)[1:].rstrip()
        made = Type("", tag, self.text[begin : end + 1] + tail, tail)
        nested = {}
        for child in node.get("inner", []):
            if is_defined(child):
                inside = self.read_tagged(child, child.get("tagUsed", "enum"), top or made)
                nested[child["range"]["begin"]["offset"]] = inside
            elif child["kind"] == "FieldDecl":
                at = child["range"]["begin"]["offset"]
                made.members.append(Member(self.until_semicolon(at), nested.get(at)))
                self.owners[child["loc"]["offset"]] = (top or made, made.members[-1])
            elif child["kind"] == "EnumConstantDecl":
                at = child["range"]["begin"]["offset"]
                text = self.text[at : ENUMERATOR_END.search(self.text, at).start()]
                made.members.append(Member(text))
                self.enumerators[child["name"]] = (top or made, made.members[-1])
        return made

    def included(self, text):
        """The type whose fields a nameless member `struct x;` takes in (C of -fms-extensions)."""
        return self.types.get(text) if TAGGED.fullmatch(text) else None

    def needed_complete(self, text):
        """Keys of the types that the declarations in `text` need complete, not just declared."""
        keys = set()
        for part in re.split(r"[;{}]", text):
            keys |= set(WORD.findall(part))
            keys |= {" ".join(found) for found in TAGGED.findall(part)
                     if "*" not in part or found[0] == "enum"}
        return keys & self.types.keys()
