"""The reference pages of the site: made of the code whenever the site is built, so that none of them is ever stale."""

from reference import command_line, graphql_api, python_client, rest, typescript_sdk


def pages() -> dict[str, str]:
    """Returns every page that is generated: its path in the site, and its text."""
    return {
        **graphql_api.pages(),
        "reference/rest.md": rest.page(),
        "reference/command-line.md": command_line.page(),
        "reference/python-client.md": python_client.page(),
        "reference/typescript-sdk.md": typescript_sdk.page(),
    }
