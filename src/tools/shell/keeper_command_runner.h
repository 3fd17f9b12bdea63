#pragma once

#include <string>
#include <vector>

#include "lathe/ports/command_runner.h"
#include "lathe/runtime/loop.h"
#include "lathe/runtime/pool.h"
#include "lathe/tools/shell/keeper_set.h"
#include "lathe/tools/shell/refusal.h"

namespace lathe::tools::shell {

/// For telling a path that the jail hides from one that is not there.
struct JailSight {
  /// Outlives the runner.
  runtime::Pool* pool = nullptr;
  /// Absolute folders that the jail shows.
  std::vector<std::string> visible = {};
};

/// The line in which an ended command missed what is there outside of its jail; empty: none, or there is no sight.
[[nodiscard]] runtime::Async<std::string> hidden_line(JailSight sight, RefusalScan::Missing missing);

/// Runs commands to their end through the session's keepers. Loop thread.
class KeeperCommandRunner final : public ports::CommandRunner {
 public:
  /// `keepers` outlives it. `confinement`: the level at which the session's commands run.
  KeeperCommandRunner(runtime::Loop& loop, KeeperSet& keepers, std::string confinement = "none", JailSight sight = {})
      : loop_(loop), keepers_(keepers), confinement_(std::move(confinement)), sight_(std::move(sight)) {}

  runtime::Async<base::Result<ports::CommandExit>> run(ports::CommandSpec spec, ports::OutputSink& out,
                                                       runtime::CancelToken cancel) override;
  [[nodiscard]] std::string_view confinement() const override { return confinement_; }

 private:
  runtime::Loop& loop_;
  KeeperSet& keepers_;
  const std::string confinement_;
  const JailSight sight_;
};

/// What became of a command, in the words of ports; `out` gets what there is to remark.
[[nodiscard]] ports::CommandExit command_exit(const keeper::Exit& exit, ports::OutputSink& out);

}  // namespace lathe::tools::shell
