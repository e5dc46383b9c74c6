"""`python -m subgraphs.tenancy seed SLUG NAME EMAIL [--person NAME] [--role ROLE]...`: a workspace and a member of it.

For whoever administers the installation: it needs DATABASE_URL and the keys folder. The password is read from the
environment's D2R_PASSWORD or asked for. A workspace that exists is used; a member that exists is an error.
"""

import argparse
import asyncio
import datetime
import getpass
import os
import sys

from subgraphs.serving.errors import Refused
from subgraphs.serving.process import ProcessSettings, SettingUnusable, read_settings
from subgraphs.tenancy.seeding import SeedMember, seed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m subgraphs.tenancy", description="Make workspaces and members.")
    commands = parser.add_subparsers(required=True)
    seeding = commands.add_parser("seed", help="make a workspace and a member who can sign in")
    seeding.add_argument("slug")
    seeding.add_argument("name")
    seeding.add_argument("email")
    seeding.add_argument("--person", help="the member's name; the address when not given")
    seeding.add_argument("--role", action="append", help="may be repeated; owner when not given")
    given = parser.parse_args()
    password = os.environ.get("D2R_PASSWORD") or getpass.getpass(f"Password for {given.email}: ")
    roles = frozenset(given.role or ["owner"])
    member = SeedMember(given.email, given.person or given.email, roles, password)
    try:
        return asyncio.run(_seed(read_settings(), given.slug, given.name, member))
    except (Refused, SettingUnusable) as refused:
        print(refused, file=sys.stderr)
        return 1


async def _seed(settings: ProcessSettings, slug: str, name: str, member: SeedMember) -> int:
    made = await seed(settings, slug, name, [member], datetime.datetime.now(datetime.UTC))
    print(f"workspace {made.workspace.slug} {made.workspace.id}")
    for person in made.members:
        print(f"member {person.email} {person.id} {' '.join(sorted(person.roles))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
