import { makeTempDir } from "@guildhall/testing";
import { describe } from "@jest/globals";
import { type DirectoryFixture, directoryContract } from "./directory.contract.ts";
import type { Directory } from "./directory.ts";
import { makeSqliteDirectory } from "./directory-sqlite.ts";

async function create(): Promise<DirectoryFixture> {
  const dir = makeTempDir();
  const open = async () => {
    const directory = makeSqliteDirectory({
      folder: dir.path,
      onFatal(error) {
        throw error;
      },
    });
    await directory.open();
    return directory;
  };
  let directory: Directory = await open();
  return {
    directory,
    async reopen() {
      await directory[Symbol.asyncDispose]();
      directory = await open();
      return directory;
    },
    async [Symbol.asyncDispose]() {
      await directory[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

describe("the directory in SQLite", () => directoryContract(create));
