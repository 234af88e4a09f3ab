"""parse.py LANGUAGE FILE: reads a source file by the language's grammar (tree-sitter). Ends with 1 and the place where it is no such language."""

import importlib
import sys

from tree_sitter import Language, Parser


def errors(node):
    if node.is_missing or node.type == "ERROR":
        yield node
    elif node.has_error:
        for child in node.children:
            yield from errors(child)


grammar = importlib.import_module(f"tree_sitter_{sys.argv[1]}")
with open(sys.argv[2], "rb") as file:
    text = file.read()
found = list(errors(Parser(Language(grammar.language())).parse(text).root_node))
for node in found:
    print(f"line {node.start_point[0] + 1}: {text[node.start_byte:node.end_byte][:80].decode(errors='replace')!r}")
sys.exit(1 if found else 0)
