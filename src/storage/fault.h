#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "lathe/base/result.h"

// Every operation that makes bytes durable passes a fault point before and after, so that tests can kill the process,
// fail the operation or tear its write at each of them. Without a FaultPoint nothing happens.

namespace lathe::storage {

/// What becomes of one operation. The default is that it is done.
struct Fault {
  /// errno that the operation fails with; 0: it is done.
  int error = 0;
  /// Of a write that fails: this many bytes reach the file first.
  std::size_t written = 0;
};

/// Called around every durable operation, from any thread. Operations are named `<what>.<how>`: stream.append,
/// stream.sync, stream.truncate, torn.write, snapshot.write, snapshot.rename, draft.rename, blob.write, blob.rename,
/// mark.create, mark.remove, index.commit, …
class FaultPoint {
 public:
  virtual ~FaultPoint() = default;
  [[nodiscard]] virtual Fault before(std::string_view operation, std::size_t bytes) = 0;
  virtual void after(std::string_view operation) = 0;
};

/// One fault, as text; operations count from 1 in the order in which the process does them.
///
///   kill-before@7     SIGKILL before operation 7          enospc@7    operation 7 fails with ENOSPC
///   kill-after@7      SIGKILL after it                    eio@7       … with EIO
///   tear@7:12         12 bytes of it are written, then    short@7:12  12 bytes are written, then ENOSPC
///                     SIGKILL                             enospc@7+   7 and all later ones
///   log:/path         no fault; the name of each operation is appended to the file, one per line
class FaultPlan final : public FaultPoint {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<FaultPlan>> parse(std::string_view text);

  Fault before(std::string_view operation, std::size_t bytes) override;
  void after(std::string_view operation) override;
  /// Operations so far.
  [[nodiscard]] std::uint64_t count() const { return count_.load(); }

 private:
  enum class Kind { kLog, kKillBefore, kKillAfter, kTear, kShort, kNoSpace, kIo };
  FaultPlan() = default;

  Kind kind_ = Kind::kLog;
  std::uint64_t at_ = 0;
  bool lasting_ = false;
  std::size_t bytes_ = 0;
  std::string log_path_;
  std::atomic<std::uint64_t> count_{0};
  std::atomic<bool> kill_in_after_{false};
};

}  // namespace lathe::storage
