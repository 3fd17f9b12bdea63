#include "lathe/index/sqlite_index.h"

#include <utility>

#include "lathe/index/index_file.h"
#include "lathe/index/queries.h"

namespace lathe::index {

using base::Result;
using runtime::Async;
using storage::Database;

SqliteIndex::SqliteIndex(runtime::Pool& pool, std::unique_ptr<IndexFile> file, IndexOptions options)
    : pool_(pool), options_(std::move(options)), file_(std::move(file)) {}
SqliteIndex::~SqliteIndex() = default;

Result<std::unique_ptr<SqliteIndex>> SqliteIndex::create(runtime::Loop& /*loop*/, runtime::Pool& pool,
                                                         ports::SessionSource& source, IndexOptions options) {
  auto file = std::make_unique<IndexFile>(source, options.state_dir, storage::Disk(options.faults));
  return std::unique_ptr<SqliteIndex>(new SqliteIndex(pool, std::move(file), std::move(options)));
}

template <class Job>
auto SqliteIndex::on_pool(Job job) -> Async<std::invoke_result_t<Job, IndexFile&>> {
  struct Done {
    std::invoke_result_t<Job, IndexFile&> result;
    std::vector<std::string> warnings;
  };
  Done done = co_await pool_.run([this, &job] {
    const std::lock_guard lock(mutex_);
    auto result = job(*file_);
    return Done{.result = std::move(result), .warnings = file_->take_warnings()};
  });
  if (options_.on_warning) {
    for (const std::string& warning : done.warnings) options_.on_warning(warning);
  }
  co_return std::move(done.result);
}

Async<Result<protocol::SessionListReply>> SqliteIndex::list(protocol::SessionList query) {
  return on_pool([query = std::move(query)](IndexFile& file) {
    return file.answer([&](Database& database) -> Result<protocol::SessionListReply> {
      if (query.cursor.empty()) TRY_OK(file.look_at_newest());
      return list_sessions(database, query, [&](const std::string& id) { return file.held(id); });
    });
  });
}

Async<Result<std::vector<std::string>>> SqliteIndex::find(std::string prefix) {
  return on_pool([prefix = std::move(prefix)](IndexFile& file) {
    return file.answer([&](Database& database) { return find_sessions(database, prefix); });
  });
}

Async<Result<protocol::SessionInfo>> SqliteIndex::get(std::string session_id) {
  return on_pool([session_id = std::move(session_id)](IndexFile& file) {
    return file.answer([&](Database& database) {
      return get_session(database, session_id, [&](const std::string& id) { return file.held(id); });
    });
  });
}

Async<Result<std::vector<protocol::SessionInfo>>> SqliteIndex::get_all(std::vector<std::string> session_ids) {
  return on_pool([session_ids = std::move(session_ids)](IndexFile& file) {
    return file.answer([&](Database& database) {
      return get_sessions(database, session_ids, [&](const std::string& id) { return file.held(id); });
    });
  });
}

Async<Result<protocol::SessionSearchReply>> SqliteIndex::search(protocol::SessionSearch query) {
  return on_pool([query = std::move(query)](IndexFile& file) {
    return file.answer([&](Database& database) { return search_messages(database, query); });
  });
}

Async<Result<protocol::ApprovalListReply>> SqliteIndex::open_questions() {
  return on_pool([](IndexFile& file) { return file.answer(&list_questions); });
}

Async<Result<std::optional<ports::SettledQuestion>>> SqliteIndex::settled_question(std::string id) {
  return on_pool([id = std::move(id)](IndexFile& file) {
    return file.answer([&](Database& database) { return find_settled(database, id); });
  });
}

Async<Result<protocol::SessionCounts>> SqliteIndex::counts() {
  return on_pool([](IndexFile& file) {
    return file.answer([&](Database& database) {
      return count_sessions(database, [&](const std::string& id) { return file.held(id); });
    });
  });
}

Async<Result<protocol::UsageReply>> SqliteIndex::usage(protocol::UsageCall query) {
  return on_pool([query = std::move(query), this](IndexFile& file) {
    return file.answer([&](Database& database) { return sum_usage(database, query, options_.project_of); });
  });
}

Async<Result<void>> SqliteIndex::archive(std::string session_id, bool archived) {
  return on_pool(
      [session_id = std::move(session_id), archived](IndexFile& file) { return file.archive(session_id, archived); });
}

Async<Result<protocol::SessionTagReply>> SqliteIndex::tag(protocol::SessionTag call) {
  return on_pool([call = std::move(call)](IndexFile& file) { return file.tag(call); });
}

Async<Result<void>> SqliteIndex::mark_read(protocol::SessionMarkRead call, std::optional<std::int64_t> last_seq) {
  return on_pool([call = std::move(call), last_seq](IndexFile& file) { return file.mark_read(call, last_seq); });
}

Async<Result<void>> SqliteIndex::check(std::string session_id) {
  return on_pool([session_id = std::move(session_id)](IndexFile& file) { return file.check(session_id); });
}

Async<Result<void>> SqliteIndex::forget(std::string session_id) {
  return on_pool([session_id = std::move(session_id)](IndexFile& file) { return file.forget(session_id); });
}

Async<Result<protocol::IndexRebuildReply>> SqliteIndex::rebuild() {
  return on_pool([](IndexFile& file) { return file.rebuild(); });
}

Async<Result<void>> SqliteIndex::follow(std::string session_id) {
  return on_pool([session_id = std::move(session_id)](IndexFile& file) { return file.follow(session_id); });
}

}  // namespace lathe::index
