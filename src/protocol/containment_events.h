#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/protocol/fields.h"
#include "lathe/protocol/items.h"

// What containment and undo tell.

namespace lathe::protocol {

struct NetworkDecision {
  static constexpr std::string_view kType = "network_decision";
  static constexpr std::string_view kDoc = "The egress proxy let a connection of a command through, or not.";
  std::string host;
  std::int64_t port = 0;
  std::string address;
  bool allowed = false;
  std::string rule;
  static constexpr auto fields() {
    using S = NetworkDecision;
    return std::tuple{
        required("host", &S::host, "the name asked for, in its canonical form"), required("port", &S::port, "the port"),
        optional("address", &S::address, "the address that was dialled"),
        required("allowed", &S::allowed, "whether it was let through"), required("rule", &S::rule, "what decided")};
  }
  friend bool operator==(const NetworkDecision&, const NetworkDecision&) = default;
};

struct WorkspaceSnapshot {
  static constexpr std::string_view kType = "workspace_snapshot";
  static constexpr std::string_view kDoc = "The workspace was snapshotted before the first command of a Task.";
  std::string snapshot;
  std::string task;
  std::int64_t files = 0;
  std::vector<std::string> not_covered;
  static constexpr auto fields() {
    using S = WorkspaceSnapshot;
    return std::tuple{required("snapshot", &S::snapshot, "its id"), required("task", &S::task, "the Task"),
                      required("files", &S::files, "files covered"),
                      optional("not_covered", &S::not_covered, "what undo cannot bring back: ignored, too large")};
  }
  friend bool operator==(const WorkspaceSnapshot&, const WorkspaceSnapshot&) = default;
};

struct FilesRestored {
  static constexpr std::string_view kType = "files_restored";
  static constexpr std::string_view kDoc = "Files were brought back to what they were.";
  std::string to;
  std::vector<std::string> restored;
  std::vector<std::string> removed;
  std::vector<std::string> conflicts;
  static constexpr auto fields() {
    using S = FilesRestored;
    return std::tuple{required("to", &S::to, "the Task or Turn before which they were so"),
                      optional("restored", &S::restored, "files that have their former content again"),
                      optional("removed", &S::removed, "files that did not exist then"),
                      optional("conflicts", &S::conflicts, "changed since by someone else, left alone")};
  }
  friend bool operator==(const FilesRestored&, const FilesRestored&) = default;
};

}  // namespace lathe::protocol
