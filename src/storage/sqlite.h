#pragma once

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/storage/disk.h"
#include "lathe/storage/file_lock.h"

struct sqlite3;
struct sqlite3_stmt;

// SQLite as Lathe uses it: an index that can be made anew. Write-ahead log; several processes write. Automatic
// checkpoints are off, because one that meets a writer at the wrong moment can lose the log (SQLite before 3.51.3):
// writers hold the shared lock of a lock file, and checkpoint() runs only under the exclusive one.

namespace lathe::storage {

/// The rows of a statement that runs. Drops its read lock when it goes. Outlived by its Database.
class Query final {
 public:
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), database_(other.database_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  /// Steps to the next row; false after the last.
  [[nodiscard]] base::Result<bool> next();
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> maybe_integer(int column) const;

 private:
  friend class Database;
  Query(sqlite3_stmt* statement, sqlite3* database) : statement_(statement), database_(database) {}
  void bind(int index, std::int64_t value);
  void bind(int index, std::string_view value);
  void bind(int index, const std::optional<std::int64_t>& value);

  sqlite3_stmt* statement_;
  sqlite3* database_;
};

/// One connection. One thread at a time. Errors: `corrupt` when the file is no sound database, `locked` when others
/// keep it busy for more than five seconds, `no_space`, `io_error`.
class Database final {
 public:
  /// Creates the file when it is missing. `lock_path` is the lock file that writers share.
  [[nodiscard]] static base::Result<Database> open(const std::string& path, std::string lock_path, Disk disk);

  /// Several statements without parameters, as in a migration.
  [[nodiscard]] base::Result<void> execute(const char* statements);
  /// A statement (kept prepared) with its parameters bound in order. `sql` is a literal: it is the key.
  template <class... Values>
  [[nodiscard]] base::Result<Query> query(const char* sql, const Values&... values) {
    TRY(Query query, prepare(sql));
    int index = 0;
    (bind(query, ++index, values), ...);
    return query;
  }
  /// The same for a statement that gives no rows.
  template <class... Values>
  [[nodiscard]] base::Result<void> run(const char* sql, const Values&... values) {
    TRY(Query one, query(sql, values...));
    TRY_OK(one.next());
    return {};
  }
  /// Whether the file at the path is still the one that is open.
  [[nodiscard]] bool is_current() const;
  [[nodiscard]] std::uint64_t log_bytes() const;
  /// Moves the log into the database and empties it, unless anyone is writing.
  [[nodiscard]] base::Result<void> checkpoint();

 private:
  friend class Transaction;
  struct Close {
    void operator()(sqlite3* database) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database(std::unique_ptr<sqlite3, Close> handle, std::string path, std::string lock_path, Disk disk);
  base::Result<Query> prepare(const char* sql);
  template <class Value>
  static void bind(Query& query, int index, const Value& value) {
    if constexpr (std::integral<Value>) {
      query.bind(index, static_cast<std::int64_t>(value));
    } else {
      query.bind(index, value);
    }
  }

  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string_view, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;  // keys are literals
  std::string path_;
  std::string lock_path_;
  Disk disk_;
  std::uint64_t inode_ = 0;
};

/// A write transaction; rolled back unless committed. Holds the writers' lock.
class Transaction final {
 public:
  /// `unavailable` when the path leads to another file by now: open the database anew.
  [[nodiscard]] static base::Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept
      : database_(std::exchange(other.database_, nullptr)), lock_(std::move(other.lock_)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  /// Fault point `index.commit`.
  [[nodiscard]] base::Result<void> commit();

 private:
  Transaction(Database& database, FileLock lock) : database_(&database), lock_(std::move(lock)) {}
  Database* database_;
  FileLock lock_;
};

/// One step of a schema; versions count up from 1 without a gap.
struct Migration {
  int version;
  const char* sql;
};
/// Brings the schema to the last version, each step in its own transaction. `unsupported` when it is newer than that.
[[nodiscard]] base::Result<void> migrate(Database& database, std::span<const Migration> migrations);

}  // namespace lathe::storage
