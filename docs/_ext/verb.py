"""The directives ``verb`` and ``verbs``: document the command line from its own help texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from debonair.cli.command import Verbs as Group
from debonair.cli.command import summary as sentence
from debonair.cli.main import main


def find(words: str) -> tuple[click.Command, click.Context]:
    """Return the command of ``words``, such as ``repo add``, and its context."""
    command: click.Command = main
    context = click.Context(main, info_name="debonair")
    for word in words.split():
        command = command.commands[word] if isinstance(command, click.Group) else command
        context = click.Context(command, info_name=word, parent=context)
    return command, context


def verbs(group: click.Group = main, before: str = "") -> Iterator[str]:
    """Yield the verbs below ``group``, at any depth, such as ``build``, ``repo`` and ``repo add``."""
    for name, command in group.commands.items():
        yield f"{before}{name}"
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before}{name} ")


def summary(words: str) -> str:
    """Return the first sentence of a verb's help, without its full stop."""
    return sentence(find(words)[0]).rstrip(".")


class Verb(SphinxDirective):
    """``{verb} repo add``: synopsis, description and options of that verb."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        command, context = find(self.arguments[0])
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        found: list[nodes.Node] = [
            _section("Synopsis", nodes.literal_block(usage, usage, language="none")),
            _section("Description", *_paragraphs(command.help or "")),
        ]
        options = [option for option in command.get_params(context) if isinstance(option, click.Option)]
        if options:
            rows = [_option(option, context) for option in options]
            found.append(_section("Options", nodes.option_list("", *rows)))
        return found


class Verbs(SphinxDirective):
    """``{verbs}``, ``{verbs} repo``: a list of the verbs there, with their summaries and links."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        before = f"{self.arguments[0]} " if self.arguments else ""
        group = find(before)[0]
        if not isinstance(group, Group):
            raise self.error(f"{before} is not a group of verbs")
        found: list[nodes.Node] = []
        for title, names in group.sections.items():
            found += [nodes.rubric("", title)] if len(group.sections) > 1 else []
            found.append(nodes.definition_list("", *self._items(before, names)))
        return found

    def _items(self, before: str, names: Sequence[str]) -> Iterator[nodes.definition_list_item]:
        for name in names:
            words = before + name
            link = addnodes.pending_xref(
                "",
                nodes.strong(words, f"debonair {words}"),
                refdomain="std",
                reftype="doc",
                refexplicit=True,
                reftarget=f"verbs/{words.replace(' ', '-')}",
                refdoc=self.env.docname,
            )
            about = nodes.definition("", nodes.paragraph("", f"{summary(words)}."))
            yield nodes.definition_list_item("", nodes.term("", "", link), about)


def _section(title: str, *content: nodes.Node) -> nodes.section:
    return nodes.section("", nodes.title(title, title), *content, ids=[nodes.make_id(title)])


def _paragraphs(text: str) -> list[nodes.Node]:
    return [nodes.paragraph("", " ".join(part.split())) for part in text.split("\n\n")]


def _option(option: click.Option, context: click.Context) -> nodes.option_list_item:
    value = "" if option.is_flag else option.make_metavar(context)
    names = [*option.opts, *option.secondary_opts]
    shown = []
    for name in sorted(names, key=len):
        parts: list[nodes.Node] = [nodes.option_string("", name)]
        if value:
            parts.append(nodes.option_argument("", value, delimiter=" "))
        shown.append(nodes.option("", *parts))
    record = option.get_help_record(context)
    text = record[1] if record else ""
    return nodes.option_list_item(
        "", nodes.option_group("", *shown), nodes.description("", nodes.paragraph("", text))
    )


def _without_links(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Leave the words of a link within the documentation alone: a manual page has nothing to link to."""
    if app.builder.name == "man":
        for link in list(doctree.findall(nodes.reference)):
            if "://" not in link.get("refuri", ""):
                link.replace_self(link.children)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_directive("verb", Verb)
    app.add_directive("verbs", Verbs)
    app.connect("doctree-resolved", _without_links)
    return {"parallel_read_safe": True}
