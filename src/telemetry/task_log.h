#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "lathe/ports/event_observer.h"
#include "lathe/telemetry/log.h"

namespace lathe::telemetry {

/// Logs the course of Tasks: begin, end and what it used, questions and their answers, what failed, by codes and ids.
/// Loop thread.
class TaskLog final : public ports::EventObserver {
 public:
  explicit TaskLog(const Log& log) : log_(log) {}
  void see(const protocol::Event& event, std::size_t record_bytes) override;

 private:
  struct Seeing;

  const Log& log_;
  /// Of sessions whose Task has not ended: its id.
  std::map<std::string, std::string> tasks_;
};

}  // namespace lathe::telemetry
