#include "lathe/cli/trust_question.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/ask_person.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

Async<Result<bool>> person_trusts(Context* context, std::string question) {
  if (!TerminalAsker::available(*context)) co_return false;
  (void)co_await context->out.flush({});
  p::UserQuestion asked{.id = "trust", .call_id = {}, .questions = {{std::move(question), {"yes", "no"}}}};
  TerminalAsker asker(*context);
  while (true) {
    CO_TRY(const p::Op op, co_await asker.ask({.question = p::EventMsg(asked)}, {}));
    const auto& answers = std::get<p::UserAnswer>(op).answers;
    const std::string answer = answers.empty() ? "no" : base::lower(answers.front());
    if (answer == "yes" || answer == "y") co_return true;
    if (answer == "no" || answer == "n") co_return false;
  }
}

Async<Result<bool>> trust_changed_rules(Context* context, client::Transport* engine, std::string folder) {
  CO_TRY(const p::TrustListReply reply, co_await client::call_as(engine, p::TrustList{.path = folder}));
  std::vector<std::string> paths;
  p::TrustSet set{.path = std::move(folder), .sha256 = {}, .trusted = true};
  for (const p::TrustItem& item : reply.items) {
    if (item.kind != "policy" || !item.changed) continue;
    paths.push_back(item.path + (item.gone ? " (gone)" : ""));
    set.sha256.push_back(item.sha256);
  }
  // Someone else has trusted them meanwhile.
  if (paths.empty()) co_return true;
  CO_TRY(const bool trusted,
         co_await person_trusts(context, fmt::format("{} of {} changed since you trusted it. Trust the rules as they "
                                                     "are now?",
                                                     base::join(paths, ", "), reply.root)));
  if (trusted) CO_TRY_OK(co_await client::call_as(engine, std::move(set)));
  co_return trusted;
}

}  // namespace lathe::cli
