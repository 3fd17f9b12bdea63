#pragma once

#include "lathe/keeper/program/supervisor.h"

// What a supervisor reports, in the words of protocol.h.

namespace lathe::keeper {

constexpr const char* stage_name(Report::Stage stage) {
  switch (stage) {
    case Report::Stage::kSpec:
      return "spec";
    case Report::Stage::kFork:
      return "fork";
    case Report::Stage::kCwd:
      return "cwd";
    case Report::Stage::kStdio:
      return "stdio";
    case Report::Stage::kLimits:
      return "limits";
    case Report::Stage::kJail:
      return "jail";
    case Report::Stage::kExec:
      return "exec";
  }
  return "";
}

constexpr const char* limit_name(Report::Limit limit, const char* otherwise) {
  switch (limit) {
    case Report::Limit::kNone:
      return otherwise;
    case Report::Limit::kProcesses:
      return "processes";
    case Report::Limit::kMemory:
      return "memory";
    case Report::Limit::kDisk:
      return "disk";
    case Report::Limit::kOutput:
      return "output";
  }
  return otherwise;
}

}  // namespace lathe::keeper
