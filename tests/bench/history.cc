#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/ids.h"
#include "lathe/index/sqlite_index.h"
#include "lathe/journal/journal_store.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"

// Two things that only a room can be asked:
//
//   lathe_bench_history query STATE_DIR        milliseconds of one query for all sessions, the median of 15
//   lathe_bench_history grow STATE_DIR EVENTS  writes a session of that many events, with a compaction now and then as
//   a
//                                              long conversation has them; prints its id

namespace {

using namespace std::chrono_literals;
namespace protocol = lathe::protocol;
using lathe::runtime::Async;

constexpr int kQueries = 15;
constexpr std::int64_t kTurnsOfATask = 20;
constexpr std::int64_t kTasksBetweenCompactions = 25;

struct History {
  explicit History(const std::string& state_dir) : fs(loop, "fs", 1), index_pool(loop, "index", 1) {
    auto made = lathe::journal::JournalStore::create(loop, fs, {.state_dir = state_dir});
    CHECK(made.ok());
    store = *std::move(made);
  }
  lathe::runtime::Loop loop;
  lathe::runtime::Pool fs;
  lathe::runtime::Pool index_pool;
  std::unique_ptr<lathe::journal::JournalStore> store;
};

int query(const std::string& state_dir) {
  History history(state_dir);
  auto index = lathe::index::SqliteIndex::create(history.loop, history.index_pool, history.store->source(),
                                                 {.state_dir = state_dir});
  CHECK(index.ok());
  std::vector<double> times;
  std::size_t sessions = 0;
  for (int i = 0; i < kQueries; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto listed = history.loop.block_on((*index)->list(protocol::SessionList{.limit = 0}));
    CHECK(listed.ok());
    sessions = listed->sessions.size();
    times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::sort(times);
  fmt::print("{} {:.3f}\n", sessions, times[times.size() / 2]);
  return 0;
}

/// Appends events until there are `wanted`.
class Writer {
 public:
  Writer(lathe::runtime::Loop& loop, lathe::ports::SessionStream& stream, std::int64_t wanted)
      : loop_(loop), stream_(stream), wanted_(wanted) {}

  Async<void> write() {
    protocol::SessionConfigured config;
    config.session_id = stream_.state().session_id;
    config.model = "mock";
    config.backend = "openai";
    config.provider = "openai_responses";
    config.cwd = "/";
    config.sandbox = "none";
    config.driver = "native";
    co_await add(config);
    for (std::int64_t task = 1; stream_.state().last_seq < wanted_; ++task) {
      co_await write_task();
      if (task % kTasksBetweenCompactions == 0) {
        co_await add(protocol::Compacted{.item = "c",
                                         .summary = "what came before",
                                         .keep_from_seq = stream_.state().last_seq + 1,
                                         .tokens_before = 10'000,
                                         .tokens_after = 100});
      }
      // Nothing here waits for anything else, so that snapshots would never be done.
      co_await stream_.close();
    }
  }

 private:
  Async<void> add(protocol::EventMsg msg) {
    protocol::Event event;
    event.session = stream_.state().session_id;
    event.id = "1";
    event.ts = loop_.unix_now();
    event.msg = std::move(msg);
    const auto appended = co_await stream_.append(std::move(event));
    CHECK(appended.ok());
  }

  Async<void> write_task() {
    const std::string task = lathe::base::uuid7(loop_.unix_now(), random_);
    co_await add(protocol::TaskStarted{.task = task});
    co_await add(protocol::UserMessage{.item = "u", .content = {protocol::TextPart{"go on with the next part"}}});
    for (std::int64_t turn = 0; turn < kTurnsOfATask; ++turn) {
      const std::string call = fmt::format("call_{}", stream_.state().last_seq);
      co_await add(protocol::ToolCalls{.calls = {{call, "shell", R"({"command":"true"})"}}});
      co_await add(protocol::ExecCommandBegin{.call_id = call, .command = {"true"}, .cwd = "/"});
      protocol::ExecCommandEnd end{.call_id = call, .exit_code = 0};
      end.outcome.output = "Exit code: 0";
      co_await add(end);
      co_await add(protocol::TurnComplete{.response_id = lathe::base::short_id("resp", random_),
                                          .model = "openai/mock",
                                          .usage = {.input_tokens = 100}});
    }
    co_await add(protocol::AgentMessage{.item = "a", .text = "done"});
    co_await add(protocol::TaskComplete{.task = task, .last_agent_message = "done", .usage = {}});
  }

  lathe::runtime::Loop& loop_;
  lathe::ports::SessionStream& stream_;
  const std::int64_t wanted_;
  lathe::base::SeededRandom random_{1};
};

int grow(const std::string& state_dir, std::int64_t events) {
  History history(state_dir);
  lathe::base::SystemRandom random;
  auto stream = history.loop.block_on(history.store->create(lathe::base::uuid7(history.loop.unix_now(), random)));
  CHECK(stream.ok());
  Writer writer(history.loop, **stream, events);
  history.loop.block_on(writer.write());
  fmt::print("{}\n", (*stream)->state().session_id);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count == 3 && std::string(words[1]) == "query") return query(words[2]);
  if (count == 4 && std::string(words[1]) == "grow") return grow(words[2], std::atoll(words[3]));
  fmt::print(stderr, "usage: lathe_bench_history query STATE_DIR | grow STATE_DIR EVENTS\n");
  return 1;
}
