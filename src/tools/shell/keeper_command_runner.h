#pragma once

#include <string>

#include "lathe/keeper/client.h"
#include "lathe/ports/command_runner.h"
#include "lathe/runtime/loop.h"

namespace lathe::tools::shell {

/// Runs commands through a keeper, which is started with the first one. Loop thread. stop() is awaited before it goes.
class KeeperCommandRunner final : public ports::CommandRunner {
 public:
  /// `keeper_program`: keeper::installed_program().
  KeeperCommandRunner(runtime::Loop& loop, std::string keeper_program);

  runtime::Async<base::Result<ports::CommandExit>> run(ports::CommandSpec spec, ports::OutputSink& out,
                                                       runtime::CancelToken cancel) override;
  [[nodiscard]] std::string_view confinement() const override { return "none"; }

  /// Ends every command and the keeper.
  runtime::Async<void> stop();

 private:
  runtime::Loop& loop_;
  const unsigned file_mode_mask_;
  keeper::Client client_;
};

}  // namespace lathe::tools::shell
