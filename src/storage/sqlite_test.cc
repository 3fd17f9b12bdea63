#include "lathe/storage/sqlite.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "lathe/runtime/files.h"

namespace lathe::storage {
namespace {

namespace fs = std::filesystem;

constexpr Migration kSchema[] = {
    {1, "CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT)"},
    {2, "ALTER TABLE numbers ADD COLUMN square INTEGER"},
};

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() {
    char pattern[] = "/tmp/lathe-sqlite-XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  ~SqliteTest() override { fs::remove_all(folder_); }
  base::Result<Database> open(FaultPoint* faults = nullptr) {
    return Database::open(folder_ + "/index.db", folder_ + "/index.lock", Disk(faults));
  }
  static std::int64_t count(Database& database) {
    auto query = database.query("SELECT count(*) FROM numbers");
    EXPECT_TRUE(query.ok() && *query->next());
    return query->integer(0);
  }
  std::string folder_;
};

TEST_F(SqliteTest, BindsReadsAndKeepsValues) {
  auto database = *open();
  ASSERT_TRUE(migrate(database, kSchema).ok());
  const std::string name("with \0 inside", 13);
  ASSERT_TRUE(database.run("INSERT INTO numbers VALUES (?1, ?2, ?3)", 7, name, std::optional<std::int64_t>()).ok());
  auto rows = database.query("SELECT id, name, square FROM numbers WHERE id = ?1", std::int64_t{7});
  ASSERT_TRUE(rows.ok() && *rows->next());
  EXPECT_EQ(rows->integer(0), 7);
  EXPECT_EQ(rows->text(1), name);
  EXPECT_EQ(rows->maybe_integer(2), std::nullopt);
  EXPECT_FALSE(*rows->next());
}

TEST_F(SqliteTest, MigratesOnceAndRefusesASchemaFromTheFuture) {
  {
    auto database = *open();
    ASSERT_TRUE(migrate(database, std::span(kSchema, 1)).ok());
    ASSERT_TRUE(database.run("INSERT INTO numbers VALUES (1, 'one')").ok());
  }
  auto database = *open();
  ASSERT_TRUE(migrate(database, kSchema).ok());
  ASSERT_TRUE(migrate(database, kSchema).ok());
  EXPECT_EQ(count(database), 1);
  EXPECT_EQ(migrate(database, std::span(kSchema, 1)).error().code, base::codes::kUnsupported);
}

TEST_F(SqliteTest, ATransactionThatIsNotCommittedIsNothing) {
  const auto plan = FaultPlan::parse("enospc@3");  // after the commits of the two migrations
  auto database = *open(plan->get());
  ASSERT_TRUE(migrate(database, kSchema).ok());
  {
    const auto transaction = Transaction::begin(database);
    ASSERT_TRUE(database.run("INSERT INTO numbers VALUES (1, 'one', 1)").ok());
  }
  EXPECT_EQ(count(database), 0);
  {
    auto transaction = Transaction::begin(database);
    ASSERT_TRUE(database.run("INSERT INTO numbers VALUES (1, 'one', 1)").ok());
    EXPECT_EQ(transaction->commit().error().code, base::codes::kNoSpace);
  }
  EXPECT_EQ(count(database), 0);
  auto transaction = Transaction::begin(database);
  ASSERT_TRUE(database.run("INSERT INTO numbers VALUES (1, 'one', 1)").ok());
  ASSERT_TRUE(transaction->commit().ok());
  EXPECT_EQ(count(database), 1);
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsCorrupt) {
  ASSERT_TRUE(
      runtime::replace_file(folder_ + "/index.db", std::string(9'000, 'g'), 0600, runtime::Durability::kProcess).ok());
  const auto opened = open();
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, base::codes::kCorrupt);
}

TEST_F(SqliteTest, NoticesThatItsFileWasReplaced) {
  auto database = *open();
  EXPECT_TRUE(database.is_current());
  fs::remove(folder_ + "/index.db");
  EXPECT_FALSE(database.is_current());
  auto other = *open();
  EXPECT_FALSE(database.is_current());
  EXPECT_TRUE(other.is_current());
}

TEST_F(SqliteTest, NothingIsWrittenToAFileThatWasReplaced) {
  auto database = *open();
  fs::remove(folder_ + "/index.db");
  auto other = *open();
  EXPECT_EQ(Transaction::begin(database).error().code, base::codes::kUnavailable);
  EXPECT_TRUE(Transaction::begin(other).ok());
}

TEST_F(SqliteTest, TheLogIsEmptiedOnlyWhenNobodyWrites) {
  auto database = *open();
  auto other = *open();
  ASSERT_TRUE(migrate(database, kSchema).ok());
  EXPECT_GT(database.log_bytes(), 0U);
  {
    const auto transaction = Transaction::begin(other);
    ASSERT_TRUE(database.checkpoint().ok());
    EXPECT_GT(database.log_bytes(), 0U);
  }
  ASSERT_TRUE(database.checkpoint().ok());
  EXPECT_EQ(database.log_bytes(), 0U);
  EXPECT_EQ(count(other), 0);
}

TEST_F(SqliteTest, ManyWritersWaitForEachOther) {
  auto database = *open();
  ASSERT_TRUE(migrate(database, kSchema).ok());
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 4; ++writer) {
    threads.emplace_back([this, writer] {
      auto mine = *open();
      for (int i = 0; i < 25; ++i) {
        auto transaction = Transaction::begin(mine);
        ASSERT_TRUE(transaction.ok()) << transaction.error().text();
        ASSERT_TRUE(mine.run("INSERT INTO numbers VALUES (?1, 'n', 0)", writer * 100 + i).ok());
        ASSERT_TRUE(transaction->commit().ok());
        ASSERT_TRUE(mine.checkpoint().ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(database), 100);
}

}  // namespace
}  // namespace lathe::storage
