#include "lathe/storage/sqlite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::storage {

using base::Error;
using base::Millis;
using base::Result;

namespace {

constexpr Millis kPatience{5'000};

const char* code_of(int result) {
  switch (result & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::codes::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::codes::kLocked;
    case SQLITE_FULL:
      return base::codes::kNoSpace;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return base::codes::kPermission;
    default:
      return base::codes::kIo;
  }
}

/// The file's shared memory takes 32 KiB at once, its log some hundreds; with less than this free it is the disk that
/// makes SQLite fail, which often says no more than that reading or writing failed.
constexpr std::uint64_t kNeededBytes = 1U << 20;

/// Free bytes of the disk that the database is on; nothing when it cannot be told.
std::optional<std::uint64_t> free_bytes(const std::string& folder) {
  struct statvfs status{};
  if (folder.empty() || ::statvfs(folder.c_str(), &status) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

std::string folder_of(sqlite3* database) {
  const char* path = database == nullptr ? nullptr : sqlite3_db_filename(database, "main");
  const std::string_view name = path == nullptr ? "" : path;
  return std::string(name.substr(0, name.rfind('/')));
}

Error sqlite_error(sqlite3* database, int result) {
  std::string_view code = code_of(result);
  std::string message =
      fmt::format("index: {}", database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(result));
  const std::string folder = folder_of(database);
  const auto free = free_bytes(folder);
  if (code == base::codes::kIo && free && *free < kNeededBytes) code = base::codes::kNoSpace;
  if (code == base::codes::kNoSpace && free) {
    message += fmt::format(": {} free on the disk of {}", base::format_bytes(*free), folder);
  }
  return {
      .code = std::string(code), .message = std::move(message), .hint = {}, .retryable = code == base::codes::kLocked};
}

std::uint64_t inode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_ino) : 0;
}

}  // namespace

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Result<bool> Query::next() {
  const int result = sqlite3_step(statement_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return sqlite_error(database_, result);
}

std::int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Query::text(int column) const {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
}

std::optional<std::int64_t> Query::maybe_integer(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return integer(column);
}

void Query::bind(int index, std::int64_t value) {
  CHECK_REQUEST(sqlite3_bind_int64(statement_, index, value) == SQLITE_OK);
}
void Query::bind(int index, std::string_view value) {
  CHECK_REQUEST(sqlite3_bind_text64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(),
                                    SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK);
}
void Query::bind(int index, const std::optional<std::int64_t>& value) {
  if (value) {
    bind(index, *value);
  } else {
    CHECK_REQUEST(sqlite3_bind_null(statement_, index) == SQLITE_OK);
  }
}

void Database::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database::Database(std::unique_ptr<sqlite3, Close> handle, std::string path, std::string lock_path, Disk disk)
    : handle_(std::move(handle)),
      path_(std::move(path)),
      lock_path_(std::move(lock_path)),
      disk_(disk),
      inode_(inode_of(path_)) {}

namespace {

/// Whether the file is a database in WAL mode (https://www.sqlite.org/fileformat.html, "File format version numbers").
bool has_log(const std::string& path) {
  constexpr std::size_t kReadVersion = 19;
  constexpr char kWal = 2;
  const auto file = runtime::open_file(path, O_RDONLY);
  std::array<char, kReadVersion + 1> head{};
  return file.ok() && ::pread(file->get(), head.data(), head.size(), 0) == static_cast<ssize_t>(head.size()) &&
         head[kReadVersion] == kWal;
}

}  // namespace

Result<Database> Database::open(const std::string& path, std::string lock_path, Disk disk) {
  // While the log is recovered nobody may be checkpointing; while a new file becomes one with a log nobody may do
  // anything, because SQLite does not wait then.
  const LockKind kind = has_log(path) ? LockKind::kShared : LockKind::kExclusive;
  TRY(const FileLock lock, FileLock::wait(lock_path, kind, kPatience));
  sqlite3* raw = nullptr;
  const int result =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<sqlite3, Close> handle(raw);
  if (result != SQLITE_OK) return sqlite_error(raw, result).within(path);
  sqlite3_busy_timeout(raw, static_cast<int>(kPatience.count()));
  sqlite3_db_config(raw, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  Database database(std::move(handle), path, std::move(lock_path), disk);
  TRY_OK(
      database.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL;"
                       "PRAGMA temp_store = MEMORY; PRAGMA schema_version;"));
  return database;
}

Result<void> Database::execute(const char* statements) {
  const int result = sqlite3_exec(handle_.get(), statements, nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) return sqlite_error(handle_.get(), result);
  return {};
}

Result<Query> Database::prepare(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* raw = nullptr;
    const int result = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (result != SQLITE_OK) return sqlite_error(handle_.get(), result);
    statement.reset(raw);
  }
  return Query(statement.get(), handle_.get());
}

bool Database::is_current() const { return inode_of(path_) == inode_; }

std::uint64_t Database::log_bytes() const {
  struct stat status{};
  return ::stat((path_ + "-wal").c_str(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Result<void> Database::checkpoint() {
  const auto alone = FileLock::acquire(lock_path_, LockKind::kExclusive);
  if (!alone.ok()) {
    if (alone.error().code == base::codes::kLocked) return {};
    return alone.error();
  }
  return disk_.guarded("index.checkpoint", path_, [&]() -> Result<void> {
    const int result = sqlite3_wal_checkpoint_v2(handle_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
    // Readers keep parts of the log; another time then.
    if (result == SQLITE_OK || (result & 0xff) == SQLITE_BUSY) return {};
    return sqlite_error(handle_.get(), result);
  });
}

Result<Transaction> Transaction::begin(Database& database) {
  TRY(FileLock lock, FileLock::wait(database.lock_path_, LockKind::kShared, kPatience));
  // Whoever makes the file anew holds the lock alone; what is written to the old one from now on would be lost.
  if (!database.is_current()) {
    return Error{.code = base::codes::kUnavailable, .message = database.path_ + " was made anew by another process"};
  }
  TRY_OK(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database, std::move(lock));
}

Transaction::~Transaction() {
  // An error may have rolled it back already; then there is nothing to do.
  if (database_ != nullptr && sqlite3_get_autocommit(database_->handle_.get()) == 0) {
    (void)database_->execute("ROLLBACK");
  }
}

Result<void> Transaction::commit() {
  TRY_OK(database_->disk_.guarded("index.commit", database_->path_, [&] { return database_->execute("COMMIT"); }));
  database_ = nullptr;
  return {};
}

Result<void> migrate(Database& database, std::span<const Migration> migrations) {
  while (true) {
    // Looked at first without the write lock: most of the time nothing is due.
    std::int64_t version = 0;
    {
      TRY(Query query, database.query("PRAGMA user_version"));
      TRY_OK(query.next());
      version = query.integer(0);
    }
    if (version > static_cast<std::int64_t>(migrations.size())) {
      return Error{.code = base::codes::kUnsupported,
                   .message = fmt::format("index: schema {} was made by a newer Lathe", version)};
    }
    if (version == static_cast<std::int64_t>(migrations.size())) return {};
    TRY(Transaction transaction, Transaction::begin(database));
    {
      TRY(Query query, database.query("PRAGMA user_version"));
      TRY_OK(query.next());
      if (query.integer(0) != version) continue;  // another process was faster
    }
    const Migration& next = migrations[static_cast<std::size_t>(version)];
    CHECK(next.version == version + 1);
    TRY_OK(database.execute(next.sql));
    TRY_OK(database.execute(fmt::format("PRAGMA user_version = {}", next.version).c_str()));
    TRY_OK(transaction.commit());
  }
}

}  // namespace lathe::storage
