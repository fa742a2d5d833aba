# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What BPF sources use of a full vmlinux.h, by clang's syntax tree of header and source in one file.

A declaration of the header is known by the offset of its name, which is the same in each such file
because the header comes first. It knows nothing of how the cut-down header is written.
"""

import json

from header import TAGGED, WORD

VALUE_DECLARATIONS = ("VarDecl", "ParmVarDecl", "FieldDecl", "CompoundLiteralExpr", "InitListExpr")
VALUE_EXPRESSIONS = ("MemberExpr", "UnaryOperator", "ArraySubscriptExpr")


def top_level_nodes(path):
    """Yields clang's JSON of each top-level declaration; all of it at once takes gigabytes."""
    lines = []
    with open(path, encoding="utf-8") as dump:
        for line in dump:
            if line == "    {\n":
                lines = [line]
            elif lines:
                lines.append(line)
                if line.rstrip() in ("    }", "    },"):
                    yield "".join(lines).rstrip().rstrip(",")
                    lines = []


class Uses:
    """
    members   offsets of the fields that are named
    names     enumerators that are named, and every identifier in capitals, because the tree does
              not tell of an enumerator in an array bound, as in __uint(type, BPF_MAP_TYPE_HASH)
    whole     types whose size or bytes matter as a whole
    asked     types whose existence is asked about (bpf_core_type_exists)
    words     identifiers in types as the sources spell them; typedefs are among them
    tagged    "struct x", "union x", "enum x" in types as the sources spell them
    declared  those that the sources declare themselves
    """

    def __init__(self):
        self.members, self.names = set(), set()
        self.whole, self.asked = set(), set()
        self.words, self.tagged, self.declared = set(), set(), set()
        self.offset_of = {}  # clang's ids in the present unit → offsets
        self.bit_fields = set()  # ids of bit-fields, likewise
        self.misread = set()  # names of bit-fields that are read like other fields

    def read_unit(self, header, body, dump, learn_header):
        """Reads `dump`, the tree of `header` + `body`; the first unit also teaches `header`."""
        self.offset_of, self.bit_fields = {}, set()
        self.names.update(word for word in WORD.findall(body) if word.isupper())
        for written in top_level_nodes(dump):
            node = json.loads(written)
            begin = node["range"]["begin"].get("offset")
            if begin is None:
                continue
            if begin < len(header.text):
                self.note_ids(node)
                if learn_header:
                    header.add(node)
            else:
                self.read_own(node)

    def note_ids(self, node):
        if node.get("kind") == "FieldDecl":
            self.offset_of[node["id"]] = node["loc"]["offset"]
            if node.get("isBitfield"):
                self.bit_fields.add(node["id"])
        for child in node.get("inner", []):
            self.note_ids(child)

    def read_own(self, node):
        if node["kind"] == "RecordDecl" and node.get("name"):
            self.declared.add(f"{node['tagUsed']} {node['name']}")
        self.walk(node, [])

    def walk(self, node, parents):
        kind = node.get("kind", "")
        for field in ("type", "argType"):
            spelled = node.get(field, {}).get("qualType", "")
            self.words.update(WORD.findall(spelled))
            self.tagged.update(" ".join(found) for found in TAGGED.findall(spelled))
        if kind == "MemberExpr":
            field = node["referencedMemberDecl"]
            self.members.add(self.offset_of.get(field))
            if field in self.bit_fields and not any(calls(p, "preserve_field_info") for p in parents):
                self.misread.add(node["name"])
        elif kind == "DeclRefExpr" and node["referencedDecl"]["kind"] == "EnumConstantDecl":
            self.names.add(node["referencedDecl"]["name"])
        self.note_value(node, kind, [p for p in parents if p.get("kind") != "ParenExpr"])
        for child in node.get("inner", []):
            self.walk(child, parents + [node])

    def note_value(self, node, kind, parents):
        """Notes a record that is more than a step on the way to one of its fields."""
        if kind == "UnaryExprOrTypeTraitExpr":
            self.whole |= self.records_of(node.get("argType", {}))
        elif kind == "FieldDecl" and not parents[-1].get("name"):
            self.whole |= self.records_of(node["type"], pointer=True)  # __type(key, struct x)
        elif kind in VALUE_DECLARATIONS:
            self.whole |= self.records_of(node["type"])
        elif kind in VALUE_EXPRESSIONS and not is_a_step(parents):
            about = any(calls(parent, "preserve_type_info") for parent in parents)
            (self.asked if about else self.whole).update(self.records_of(node["type"]))

    @staticmethod
    def records_of(spelled, pointer=False):
        """The record that a type is, or points to; typedefs both as written and as resolved."""
        names = set()
        for name in (spelled.get("qualType", ""), spelled.get("desugaredQualType", "")):
            for noise in ("const ", "volatile ", "typeof(", "typeof (", ")"):
                name = name.replace(noise, "")
            name = name.split("[")[0].strip()
            if name.endswith("*") == pointer:
                names.add(name.rstrip("* "))
        return names


def is_a_step(parents):
    """True for a.b in a.b.c, and for &a.b as long as it stays a pointer to the same record."""
    if parents[-1]["kind"] == "MemberExpr":
        return True
    if parents[-1]["kind"] == "UnaryOperator" and parents[-1]["opcode"] == "&":
        return parents[-2].get("castKind") != "BitCast"
    return False


def calls(node, builtin):
    return node.get("kind") == "CallExpr" and f'"__builtin_{builtin}"' in json.dumps(node["inner"][0])
