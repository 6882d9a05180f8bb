-- One table per `store::Table`: key, checksum of key and value, value.
--
-- Small rows lie in the key's own tree (WITHOUT ROWID): one tree per write, rows in key order.
-- Such a tree keeps only about 1000 bytes of a row in place, so rows that are often larger have a
-- tree of their own and the key is an index: at 3 kB that doubles the writes and reads five times
-- as fast, at 200 bytes it costs a tenth.
CREATE TABLE globals   (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE spaces    (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE authors   (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE keys      (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE log       (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE confirmed (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE overlay   (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE outbox    (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sealed    (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT;
CREATE TABLE fates     (key BLOB NOT NULL PRIMARY KEY, checksum INTEGER NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
