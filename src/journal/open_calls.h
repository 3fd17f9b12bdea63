#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "lathe/ports/conversation.h"

namespace lathe::journal {

/// Where the calls of a conversation stand that have no result, by their ids: kept beside a state that records are
/// folded into, so that a record that begins or ends a call need not search all entries. Derived: an empty one is
/// always right, and is filled from the entries when it is asked.
class OpenCalls final {
 public:
  /// The newest call of that id that has no result, or null. `conversation` is always the same one; since the last time
  /// entries may have been added and calls may have got results.
  [[nodiscard]] ports::CallEntry* newest(ports::Conversation& conversation, const std::string& call_id);
  /// Entries were taken out of the conversation, or it is another one.
  void forget();

 private:
  /// Takes in the entries that were added since.
  void follow(const ports::Conversation& conversation);

  /// Places of entries, the newest last; those that got a result since are dropped when they are met.
  std::unordered_map<std::string, std::vector<std::size_t>> places_;
  /// So many entries are taken in.
  std::size_t known_ = 0;
};

}  // namespace lathe::journal
