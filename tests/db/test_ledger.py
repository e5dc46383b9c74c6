"""The ledger in a real database: what is appended is sequenced, proven and judged; what is tampered with is named."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from db.caller import Caller
from db.checkpoints import Checkpoint, open_checkpoint, origin_of
from db.engine import Database, DatabaseSettings, open_engine
from db.errors import LedgerKeyMissing, MerkleError, SubjectErased, SubjectMissing
from db.ledger.proving import prove_consistency, prove_inclusion
from db.ledger.reading import checkpoints, entries, newest_entries
from db.ledger.sequencing import sequence_once, sequence_tenant
from db.ledger.subject_keys import SubjectKey
from db.ledger.verifying import Damage, Verdict, verify
from db.merkle import is_consistent, is_included, leaf_hash, root_of
from tests.db.conftest import Installation

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OBJECT = UUID(int=7)


@pytest.fixture
async def sequencer(installation: Installation) -> AsyncIterator[AsyncEngine]:
    engine = open_engine(installation.url("d2r_sequencer"))
    yield engine
    await engine.dispose()


async def append(database: Database, caller: Caller, count: int) -> list[UUID]:
    async with database.begin(caller) as work:
        return [
            await work.ledger.append("ScanProcessed", OBJECT, {"number": number}, {"operator": "Ann"})
            for number in range(count)
        ]


async def judged(database: Database, caller: Caller, witnessed: Checkpoint | None = None) -> Verdict:
    async with database.begin(caller, snapshot=True) as work:
        return await verify(work, KEY.public_key(), witnessed)


async def a_log(database: Database, sequencer: AsyncEngine, caller: Caller, *batches: int) -> list[UUID]:
    """Entries that were sequenced and signed in batches."""
    made: list[UUID] = []
    for count in batches:
        made += await append(database, caller, count)
        assert await sequence_tenant(sequencer, KEY, caller.tenant) == count
    return made


async def tamper(admin: AsyncEngine, caller: Caller, statement: str, **values: object) -> None:
    """As somebody who owns the machine: a superuser, whom no policy and no grant stops."""
    async with admin.begin() as connection:
        done = await connection.execute(text(statement), {"tenant": caller.tenant, **values})
        assert done.rowcount


async def test_an_untouched_log_is_intact(database: Database, sequencer: AsyncEngine, caller: Caller) -> None:
    made = await a_log(database, sequencer, caller, 3, 1, 4)
    verdict = await judged(database, caller)
    assert verdict == Verdict("INTACT", 8, verdict.root, checkpoints=3, pending=0, erased=0, damage=None)
    async with database.begin(caller) as work:
        read = await entries(work)
        assert [(entry.id, entry.seq) for entry in read] == list(zip(made, range(8), strict=True))
        assert read[2].technical.value == {"number": 2}
        assert read[2].personal is not None
        assert read[2].personal.value == {"operator": "Ann"}
        assert [entry.seq for entry in await newest_entries(work, before=6, last=2)] == [5, 4]
        newest, *_ = await checkpoints(work)
    signed = open_checkpoint(newest.note, origin_of(caller.tenant), KEY.public_key())
    assert (signed.size, signed.root) == (8, verdict.root)


async def test_a_log_over_many_tiles_is_intact(database: Database, sequencer: AsyncEngine, caller: Caller) -> None:
    await a_log(database, sequencer, caller, 255, 2, 300, 600)
    verdict = await judged(database, caller)
    assert (verdict.status, verdict.size, verdict.checkpoints) == ("INTACT", 1157, 4)


async def test_a_log_that_grows_meanwhile_is_intact(database: Database, sequencer: AsyncEngine, caller: Caller) -> None:
    async def grow() -> None:
        for _ in range(40):
            await a_log(database, sequencer, caller, 2)

    growing = asyncio.create_task(grow())
    seen = []
    while not growing.done():
        seen.append(await judged(database, caller))
    await growing
    assert {verdict.status for verdict in seen} == {"INTACT"}, [each.damage for each in seen if each.damage]
    assert len({verdict.size for verdict in seen}) > 3


async def test_an_empty_log_is_intact(database: Database, caller: Caller) -> None:
    assert (await judged(database, caller)).status == "INTACT"


async def test_entries_that_wait_are_counted_and_not_judged(database: Database, caller: Caller) -> None:
    await append(database, caller, 2)
    verdict = await judged(database, caller)
    assert (verdict.status, verdict.size, verdict.pending) == ("INTACT", 0, 2)


async def test_a_change_that_rolls_back_leaves_no_entry(database: Database, caller: Caller) -> None:
    async with database.begin(caller) as work:
        await work.ledger.append("ScanProcessed", OBJECT, {})
        await work.session.rollback()
    assert (await judged(database, caller)).pending == 0


TAMPERED = {
    "a payload byte flipped": (
        "update audit_entry set technical = set_byte(technical, 20, get_byte(technical, 20) # 1) "
        "where tenant_id = :tenant and seq = 3",
        3,
        "its technical payload is not what was committed to",
    ),
    "a personal payload byte flipped": (
        "update audit_entry set personal = set_byte(personal, 20, get_byte(personal, 20) # 1) "
        "where tenant_id = :tenant and seq = 3",
        3,
        "its personal payload is not what was committed to",
    ),
    "a commitment changed": (
        "update audit_entry set technical_commitment = sha256('x') where tenant_id = :tenant and seq = 3",
        3,
        "the entry is not what its leaf hash was made of",
    ),
    "a type changed": (
        "update audit_entry set type = 'Other' where tenant_id = :tenant and seq = 0",
        0,
        "the entry is not what its leaf hash was made of",
    ),
    "a time changed": (
        "update audit_entry set occurred_at = occurred_at + interval '1 microsecond' "
        "where tenant_id = :tenant and seq = 5",
        5,
        "the entry is not what its leaf hash was made of",
    ),
    "a row deleted": ("delete from audit_entry where tenant_id = :tenant and seq = 2", 2, "the entry is missing"),
    "the last row deleted": (
        "delete from audit_entry where tenant_id = :tenant and seq = 5",
        5,
        "the entry is missing",
    ),
    "two payloads swapped": (
        "update audit_entry set technical = other.technical from audit_entry other where "
        "audit_entry.tenant_id = :tenant and other.tenant_id = :tenant "
        "and (audit_entry.seq, other.seq) in ((1, 4), (4, 1))",
        1,
        "its technical payload is not what was committed to",
    ),
    "an id changed": (
        "update audit_entry set id = gen_random_uuid() where tenant_id = :tenant and seq = 1",
        1,
        "the entry is not what its leaf hash was made of",
    ),
    "a leaf tile changed": (
        "update audit_tile set hashes = set_byte(hashes, 70, get_byte(hashes, 70) # 1) "
        "where tenant_id = :tenant and level = 0",
        2,
        "the tree holds another leaf here",
    ),
    "a tile cut": (
        "update audit_tile set hashes = substring(hashes for 64) where tenant_id = :tenant and level = 0",
        2,
        "the tree holds another leaf here",
    ),
    "a tile deleted": (
        "delete from audit_tile where tenant_id = :tenant and level = 0",
        0,
        "the tree holds another leaf here",
    ),
    "a leaf too many": (
        "update audit_tile set hashes = hashes || sha256('x') where tenant_id = :tenant and level = 0",
        6,
        "the tiles hold 7 leaves, the log 6",
    ),
    "a tile that no tree has": (
        "insert into audit_tile values (:tenant, 1, 0, sha256('x'))",
        0,
        "tile 0 of level 1 is not what the entries below it make",
    ),
    "an older checkpoint's root changed": (
        "update audit_checkpoint set root = sha256('x') where tenant_id = :tenant and size = 4",
        0,
        "in entries 0 to 3 the log is not what the checkpoint of 4 signed",
    ),
    "the newest checkpoint deleted": (
        "delete from audit_checkpoint where tenant_id = :tenant and size = 6",
        4,
        "the tiles hold 6 leaves, the log 4",
    ),
    "a note signed by nobody": (
        "update audit_checkpoint set note = replace(note, E'\\n6\\n', E'\\n5\\n') "
        "where tenant_id = :tenant and size = 6",
        4,
        "The checkpoint was refused: no signature by the key holds. (size 6)",
    ),
    "a key destroyed in silence": (
        "update audit_key set wrapped = null, destroyed_at = now() where tenant_id = :tenant and subject_id = :tenant",
        0,
        "its key was destroyed and no entry tells of it",
    ),
    "a key deleted": (
        "delete from audit_key where tenant_id = :tenant and subject_id = :tenant",
        0,
        "the key of its technical payload is gone without having been destroyed",
    ),
    "a wrapped key changed": (
        "update audit_key set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) "
        "where tenant_id = :tenant and subject_id = :tenant",
        0,
        "its technical payload is not what was committed to",
    ),
}


@pytest.mark.parametrize(("statement", "index", "reason"), TAMPERED.values(), ids=TAMPERED.keys())
async def test_tampering_is_found_and_named(
    database: Database,
    sequencer: AsyncEngine,
    admin: AsyncEngine,
    caller: Caller,
    statement: str,
    index: int,
    reason: str,
) -> None:
    await a_log(database, sequencer, caller, 4, 2)
    await tamper(admin, caller, statement)
    verdict = await judged(database, caller)
    assert verdict.status == "MODIFIED"
    assert verdict.damage is not None
    assert (verdict.damage.index, verdict.damage.reason) == (index, reason)


async def test_a_changed_record_is_named_by_its_id(
    database: Database, sequencer: AsyncEngine, admin: AsyncEngine, caller: Caller
) -> None:
    made = await a_log(database, sequencer, caller, 6)
    await tamper(admin, caller, TAMPERED["a payload byte flipped"][0])
    reason = "its technical payload is not what was committed to"
    assert (await judged(database, caller)).damage == Damage(3, reason, made[3], "ScanProcessed", OBJECT)


async def test_two_entries_cannot_trade_places(
    database: Database, sequencer: AsyncEngine, admin: AsyncEngine, caller: Caller
) -> None:
    await a_log(database, sequencer, caller, 6)
    swap = "update audit_entry set seq = :to where tenant_id = :tenant and seq = :from"
    for source, to in ((1, 99), (4, 1), (99, 4)):
        await tamper(admin, caller, swap, **{"from": source, "to": to})
    damage = (await judged(database, caller)).damage
    assert damage is not None
    assert (damage.index, damage.reason) == (1, "the entry is not what its leaf hash was made of")


async def test_a_log_rewritten_from_rows_to_tiles_is_found_by_its_signature(
    database: Database, sequencer: AsyncEngine, admin: AsyncEngine, caller: Caller
) -> None:
    """Whoever owns the machine but not the signing key rewrites an entry, its leaf hash, the tile and the root."""
    await a_log(database, sequencer, caller, 4)
    await append(database, caller, 2)
    await sequence_tenant(sequencer, KEY, caller.tenant)
    await tamper(admin, caller, "update audit_entry set type = 'Other' where tenant_id = :tenant and seq = 4")
    async with database.begin(caller) as work:
        proofs = [await prove_inclusion(work, entry.id) for entry in await entries(work)]
    leaves = [leaf_hash(proof.leaf.at(index)) for index, proof in enumerate(proofs)]
    rewrite = "update audit_entry set leaf_hash = :leaf where tenant_id = :tenant and seq = 4"
    await tamper(admin, caller, rewrite, leaf=leaves[4])
    await tamper(admin, caller, "update audit_tile set hashes = :tile where tenant_id = :tenant", tile=b"".join(leaves))
    whole = "update audit_checkpoint set root = :root where tenant_id = :tenant and size = 6"
    await tamper(admin, caller, whole, root=root_of(leaves))
    damage = (await judged(database, caller)).damage
    assert damage == Damage(4, "in entries 4 to 5 the log is not what the checkpoint of 6 signed")


async def test_the_sequencer_signs_nothing_on_top_of_a_changed_tree(
    database: Database, sequencer: AsyncEngine, admin: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    await a_log(database, sequencer, caller, 4)
    await tamper(admin, caller, TAMPERED["a leaf tile changed"][0])
    await append(database, caller, 1)
    await append(database, stranger, 1)
    await sequence_once(sequencer, KEY)
    assert ((await judged(database, caller)).size, (await judged(database, stranger)).size) == (4, 1)


async def test_a_log_that_was_rolled_back_is_held_to_what_the_witness_saw(
    database: Database, sequencer: AsyncEngine, admin: AsyncEngine, caller: Caller
) -> None:
    await a_log(database, sequencer, caller, 4)
    before = await judged(database, caller)
    witnessed = Checkpoint(origin_of(caller.tenant), 4, before.root)
    assert (await judged(database, caller, witnessed)).status == "INTACT"
    await a_log(database, sequencer, caller, 2)
    assert (await judged(database, caller, witnessed)).status == "INTACT"
    for table in ("audit_entry", "audit_tile", "audit_checkpoint"):
        await tamper(admin, caller, f"delete from {table} where tenant_id = :tenant")
    await a_log(database, sequencer, caller, 3)
    rolled_back = await judged(database, caller, witnessed)
    assert rolled_back.damage == Damage(3, "the log has 3 entries, the witness saw 4")
    await a_log(database, sequencer, caller, 3)
    rewritten = await judged(database, caller, witnessed)
    assert rewritten.damage == Damage(0, "the log's first 4 entries are not those that the witness saw")


async def test_erasing_a_person_leaves_the_decision_and_the_proofs(
    database: Database, sequencer: AsyncEngine, caller: Caller
) -> None:
    assert caller.user is not None
    (entry,) = await a_log(database, sequencer, caller, 1)
    async with database.begin(caller) as work:
        await work.ledger.erase_subject(caller.user)
    await sequence_tenant(sequencer, KEY, caller.tenant)
    verdict = await judged(database, caller)
    assert (verdict.status, verdict.erased, verdict.damage) == ("CONTENT_ERASED", 1, None)
    async with database.begin(caller) as work:
        decision, erasure = await entries(work)
        assert (decision.technical.value, decision.personal and decision.personal.content) == ({"number": 0}, "ERASED")
        assert erasure.type == "SubjectErased"
        proof = await prove_inclusion(work, entry)
    assert proof.personal is None
    root = open_checkpoint(proof.checkpoint.note, origin_of(caller.tenant), KEY.public_key()).root
    assert is_included(leaf_hash(proof.leaf.at(proof.index)), proof.index, 2, proof.hashes, root)


async def test_nothing_more_is_written_about_an_erased_person(database: Database, caller: Caller) -> None:
    assert caller.user is not None
    await append(database, caller, 1)
    async with database.begin(caller) as work:
        await work.ledger.erase_subject(caller.user)
        with pytest.raises(SubjectErased):
            await work.ledger.append("ScanProcessed", OBJECT, {}, {"operator": "Ann"})
        await work.ledger.append("ScanProcessed", OBJECT, {}, {"operator": "Bea"}, subject=uuid4())


async def test_every_entry_is_proven_and_its_payload_opens_the_commitment(
    database: Database, sequencer: AsyncEngine, caller: Caller
) -> None:
    made = await a_log(database, sequencer, caller, 250, 10)
    async with database.begin(caller) as work:
        for index in (0, 100, 255, 256, 259):
            proof = await prove_inclusion(work, made[index])
            root = open_checkpoint(proof.checkpoint.note, origin_of(caller.tenant), KEY.public_key()).root
            assert is_included(leaf_hash(proof.leaf.at(index)), index, 260, proof.hashes, root)
            assert proof.technical is not None
            assert proof.personal is not None
            for opening, commitment in (
                (proof.technical, proof.leaf.technical),
                (proof.personal, proof.leaf.personal),
            ):
                assert hmac.new(opening.salt, opening.payload, hashlib.sha256).digest() == commitment


async def test_any_two_days_are_shown_to_be_consistent(
    database: Database, sequencer: AsyncEngine, caller: Caller
) -> None:
    await a_log(database, sequencer, caller, 3, 253, 5)
    async with database.begin(caller) as work:
        roots = {checkpoint.size: checkpoint.root for checkpoint in await checkpoints(work)}
        for older, newer in ((3, 256), (3, 261), (256, 261)):
            proof = await prove_consistency(work, older, newer)
            assert is_consistent(older, newer, proof, roots[older], roots[newer])
        with pytest.raises(MerkleError):
            await prove_consistency(work, 0, 3)
        with pytest.raises(MerkleError):
            await prove_consistency(work, 3, 262)


async def test_indexes_have_no_gaps_while_many_append_and_two_sequence(
    database: Database, sequencer: AsyncEngine, caller: Caller
) -> None:
    appended = asyncio.gather(*(append(database, caller, 3) for _ in range(30)))

    async def sequence_until_done() -> None:
        while not appended.done():
            await sequence_tenant(sequencer, KEY, caller.tenant, most=7)
        while await sequence_tenant(sequencer, KEY, caller.tenant, most=7):
            pass

    await asyncio.gather(appended, sequence_until_done(), sequence_until_done())
    verdict = await judged(database, caller)
    assert (verdict.status, verdict.size, verdict.pending) == ("INTACT", 90, 0)


async def test_one_tenant_sees_nothing_of_anothers_log(
    database: Database, sequencer: AsyncEngine, caller: Caller, stranger: Caller
) -> None:
    await a_log(database, sequencer, caller, 1)
    async with database.begin(stranger) as work:
        assert await entries(work) == []
        assert await checkpoints(work) == []
        assert await work.ledger.keyring.load({caller.tenant}) == {}
    assert (await judged(database, stranger)).size == 0


async def test_payloads_lie_encrypted(database: Database, admin: AsyncEngine, caller: Caller) -> None:
    async with database.begin(caller) as work:
        await work.ledger.append("Note", OBJECT, {"text": "a secret tolerance"}, {"operator": "Annabel"})
    async with admin.begin() as connection:
        query = text("select technical || personal from audit_entry where tenant_id = :tenant")
        stored = (await connection.execute(query, {"tenant": caller.tenant})).scalar_one()
    assert b"tolerance" not in stored
    assert b"Annabel" not in stored


async def test_equal_payloads_have_different_commitments(
    database: Database, admin: AsyncEngine, caller: Caller
) -> None:
    async with database.begin(caller) as work:
        for _ in range(2):
            await work.ledger.append("Note", OBJECT, {"text": "same"})
    async with admin.begin() as connection:
        query = text("select count(distinct technical_commitment) from audit_entry where tenant_id = :tenant")
        assert (await connection.execute(query, {"tenant": caller.tenant})).scalar_one() == 2


async def test_a_personal_payload_needs_a_person(database: Database, caller: Caller) -> None:
    async with database.begin(replace(caller, user=None)) as work:
        with pytest.raises(SubjectMissing):
            await work.ledger.append("Note", OBJECT, {}, {"operator": "Ann"})


async def test_a_process_without_the_ledgers_key_cannot_append(installation: Installation, caller: Caller) -> None:
    settings = installation.settings
    async with (
        Database(DatabaseSettings(settings.url, settings.capability_key)) as keyless,
        keyless.begin(caller) as work,
    ):
        with pytest.raises(LedgerKeyMissing):
            await work.ledger.append("Note", OBJECT, {})


def test_a_ciphertext_opens_only_where_it_belongs() -> None:
    key = SubjectKey(b"k" * 32, b"s" * 32)
    sealed = key.encrypt(b"hello", b"here")
    assert (key.decrypt(sealed, b"here"), key.decrypt(sealed, b"there")) == (b"hello", None)
