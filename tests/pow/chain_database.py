"""The parts of a chain's database that proof of work knows: the current block, and the signer's functions."""

from tests.postgres import Database

BLOCKS = """
CREATE SCHEMA structs;
CREATE TABLE structs.current_block (height {kind}, updated_at timestamptz);
"""

SIGNER = """
CREATE SCHEMA signer;
CREATE TABLE signer.sent (id serial, action text, player text, entity text, proof text, nonce {nonce});
"""
FUNCTION = """
CREATE FUNCTION signer.{name}(player text, entity text, proof text, nonce {nonce}) RETURNS {returns} LANGUAGE plpgsql
AS $$ BEGIN INSERT INTO signer.sent (action, player, entity, proof, nonce)
VALUES ('{name}', player, entity, proof, nonce); {body} END $$;
"""
NAMES = (
    "tx_struct_build_complete",
    "tx_planet_raid_complete",
    "tx_struct_ore_mine_complete",
    "tx_struct_ore_refine_complete",
)


def make_blocks(database: Database, kind: str = "bigint") -> None:
    """Make the table of the current block, empty."""
    database.execute(BLOCKS.format(kind=kind))


def make_signer(
    database: Database, returns: str = "text", body: str = "RETURN '0x' || md5(proof);", nonce: str = "text"
) -> None:
    """Make the signer: its functions write what they are called with into signer.sent, and then do `body`."""
    functions = [FUNCTION.format(name=name, returns=returns, body=body, nonce=nonce) for name in NAMES]
    database.execute(SIGNER.format(nonce=nonce) + "".join(functions))


def sent(database: Database) -> list[tuple[str, ...]]:
    """Return what the signer was called with and kept, in order."""
    return database.rows("SELECT action, player, entity, proof, nonce::text FROM signer.sent ORDER BY id")
