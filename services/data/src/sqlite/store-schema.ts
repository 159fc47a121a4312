import type { EngineSchema } from "./engine-file.ts";

/**
 * The file of the store. A deleted row stays as a tombstone, so that a replay of an older write does not bring it back.
 * `channels.seq` is the seq of the last row written for a channel; `watermarks.epoch` is the range's fence.
 */
export const storeSchema: EngineSchema = {
  version: 1,
  // Messages are read in runs of their key: rows of about 1 KiB stay within their page.
  pageSizeBytes: 8_192,
  // What a loss of power takes is replayed from the journal, which is trimmed only after a sync.
  synchronous: "NORMAL",
  tables: `
    CREATE TABLE state (
      topic INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      key TEXT NOT NULL,
      ts INTEGER NOT NULL,
      deleted INTEGER NOT NULL,
      value BLOB NOT NULL,
      PRIMARY KEY (topic, kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX state_deleted ON state (ts) WHERE deleted = 1;
    CREATE TABLE members (
      topic INTEGER NOT NULL,
      user_id INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      deleted INTEGER NOT NULL,
      value BLOB NOT NULL,
      PRIMARY KEY (topic, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_deleted ON members (ts) WHERE deleted = 1;
    CREATE TABLE messages (
      channel_id INTEGER NOT NULL,
      message_id INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      deleted INTEGER NOT NULL,
      author_id INTEGER NOT NULL,
      mention_ids BLOB NOT NULL,
      seq INTEGER NOT NULL,
      open_json BLOB NOT NULL,
      reference_id INTEGER NOT NULL,
      PRIMARY KEY (channel_id, message_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX messages_deleted ON messages (ts) WHERE deleted = 1;
    CREATE TABLE reactions (
      channel_id INTEGER NOT NULL,
      message_id INTEGER NOT NULL,
      emoji_id INTEGER NOT NULL,
      emoji_name TEXT NOT NULL,
      user_id INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      deleted INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (channel_id, message_id, emoji_id, emoji_name, user_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX reactions_deleted ON reactions (ts) WHERE deleted = 1;
    CREATE TABLE channels (
      channel_id INTEGER PRIMARY KEY,
      seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE applied (
      topic INTEGER PRIMARY KEY,
      seq INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE watermarks (
      i INTEGER NOT NULL,
      n INTEGER NOT NULL,
      position INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      PRIMARY KEY (i, n)
    ) STRICT, WITHOUT ROWID`,
};
