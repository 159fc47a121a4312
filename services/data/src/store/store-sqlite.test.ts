import { makeTempDir } from "@guildhall/testing";
import { describe } from "@jest/globals";
import { type StoreFixture, storeContract } from "./store.contract.ts";
import { makeSqliteStore, type SqliteStore } from "./store-sqlite.ts";

async function create(): Promise<StoreFixture> {
  const dir = makeTempDir();
  const open = async () => {
    const store = makeSqliteStore({
      folder: dir.path,
      onFatal(error) {
        throw error;
      },
    });
    await store.open();
    return store;
  };
  let store: SqliteStore = await open();
  return {
    store,
    async reopen() {
      await store[Symbol.asyncDispose]();
      store = await open();
      return store;
    },
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

describe("the store in SQLite", () => storeContract(create));
