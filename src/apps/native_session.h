#pragma once

#include <memory>
#include <vector>

#include "lathe/agent/native_driver.h"
#include "lathe/apps/cassette_deck.h"
#include "lathe/config/config.h"
#include "lathe/engine/parts.h"
#include "lathe/ports/project_facts.h"
#include "lathe/tools/shell/keeper_command_runner.h"

namespace lathe::apps {

/// The native driver of one session with what belongs to it alone: its tools and its keeper.
class NativeSession final : public ports::Driver {
 public:
  struct Shared {
    runtime::Loop& loop;
    runtime::Pool& fs_pool;
    ports::BlobStore& blobs;
    ports::ProjectFacts& facts;
    const config::Config& config;
    CassetteDeck& cassette;
    /// Path of lathe-keeper.
    std::string keeper_program;
  };
  NativeSession(const Shared& shared, const engine::DriverSetup& setup);
  ~NativeSession() override;

  runtime::Async<ports::TaskEnd> run(ports::TaskRequest request, ports::TaskHost& host,
                                     runtime::CancelToken cancel) override;
  runtime::Async<void> stop() override;

 private:
  tools::shell::KeeperCommandRunner runner_;
  std::vector<std::unique_ptr<ports::Tool>> tools_;
  std::unique_ptr<agent::NativeDriver> driver_;
};

}  // namespace lathe::apps
