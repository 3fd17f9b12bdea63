#pragma once

#include <string_view>
#include <utility>

#include "lathe/ports/command_runner.h"
#include "lathe/runtime/subprocess.h"

namespace lathe::tools::search {

/// Runs a command as it is.
class PlainRunner final : public ports::CommandRunner {
 public:
  explicit PlainRunner(runtime::Loop& loop) : loop_(loop) {}
  runtime::Async<base::Result<ports::CommandExit>> run(ports::CommandSpec spec, ports::OutputSink& out,
                                                       runtime::CancelToken cancel) override {
    CO_TRY(const auto ran,
           co_await runtime::run_command(loop_, {.spawn = {.argv = std::move(spec.argv), .cwd = std::move(spec.cwd)}},
                                         std::move(cancel)));
    out.write(protocol::OutputStream::kStdout, ran.out);
    co_return ports::CommandExit{.exit_code = ran.status.code};
  }
  [[nodiscard]] std::string_view confinement() const override { return "none"; }

 private:
  runtime::Loop& loop_;
};

}  // namespace lathe::tools::search
