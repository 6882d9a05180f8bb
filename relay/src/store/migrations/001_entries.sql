-- One row per ordered entry. Everything else a relay knows is folded from these rows.
CREATE TABLE entries (
    space      BLOB    NOT NULL,
    seq        BIGINT  NOT NULL,
    member_no  BIGINT  NOT NULL,
    author_seq BIGINT  NOT NULL,
    kind       INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    chain      BLOB    NOT NULL,
    bytes      BLOB    NOT NULL,
    PRIMARY KEY (space, seq)
) WITHOUT ROWID;

-- An author's newest number, and the entry with a given number.
CREATE INDEX entries_by_author ON entries (space, member_no, author_seq, seq);

-- Changes of membership, from which access is folded when a space is loaded.
CREATE INDEX entries_control ON entries (space, seq) WHERE kind = 1;
