#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lathe/agent/asker.h"
#include "lathe/agent/budget.h"
#include "lathe/agent/images.h"
#include "lathe/ports/conversation.h"
#include "lathe/ports/driver.h"

// Makes the conversation smaller for the model: what is old is replaced by a summary that the model itself writes; what
// is recent stays whole. The originals stay in the journal.
//
//   [summary before] old turns …  | recent turns, unanswered messages
//   └──── asked to summarise ───┘ cut └──── kept ────────────────────
//
// The cut lies between answers, so calls keep their results. When even the request for the summary is too large, the
// oldest of its turns are left out until it fits; the summary before, which stands for what is nowhere else, never is.

namespace lathe::agent {

/// Where to cut so that what is kept has at most `keep_tokens`: entries before the index are summarised. Messages that
/// have no answer yet are always kept. 0: there is nothing to summarise.
[[nodiscard]] std::size_t compaction_cut(std::span<const ports::PlacedEntry> entries, std::int64_t keep_tokens);

/// The index after about a quarter of `entries`, at a boundary.
[[nodiscard]] std::size_t drop_oldest(std::span<const ports::PlacedEntry> entries);

/// What persons said in `entries`, word for word, the newest `max_bytes`; empty when they said nothing.
[[nodiscard]] std::string quoted_messages(std::span<const ports::PlacedEntry> entries, std::size_t max_bytes);

/// Compacts the conversation of one Task. On the loop; what it is given outlives it.
class Compactor final {
 public:
  Compactor(ports::TaskHost& host, Asker& asker, BudgetMeter& budget, Images& images,
            std::vector<ports::ToolSpec> tools);

  enum class Outcome { kCompacted, kNothingToCompact };
  /// Records `compacted`. Errors: `compaction_failed` when the summary is empty or does not make the conversation
  /// smaller, and whatever the request for it failed with.
  runtime::Async<base::Result<Outcome>> compact(std::int64_t keep_tokens, runtime::CancelToken cancel);

 private:
  runtime::Async<base::Result<Answer>> summarise(std::size_t cut, runtime::CancelToken cancel);
  [[nodiscard]] std::span<const ports::PlacedEntry> entries() const;
  [[nodiscard]] std::string system_prompt() const;

  ports::TaskHost& host_;
  Asker& asker_;
  BudgetMeter& budget_;
  Images& images_;
  std::vector<ports::ToolSpec> tools_;
};

}  // namespace lathe::agent
