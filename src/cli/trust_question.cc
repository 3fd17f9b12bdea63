#include "lathe/cli/trust_question.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/client/records.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using base::Result;
using runtime::Async;

Async<Result<bool>> person_trusts(Context* context, std::string question, TrustAsking how) {
  if (!TerminalAsker::available(*context)) co_return false;
  (void)co_await context->out.flush({});
  p::UserQuestion asked{.id = "trust", .call_id = {}, .questions = {{std::move(question), {"yes", "no"}}}};
  TerminalAsker terminal(*context);
  Asker* const asker = how.asker != nullptr ? how.asker : &terminal;
  while (true) {
    CO_TRY(const p::Op op, co_await asker->ask({.question = p::EventMsg(asked)}, how.cancel));
    const auto& answers = std::get<p::UserAnswer>(op).answers;
    const std::string answer = answers.empty() ? "no" : base::lower(answers.front());
    if (answer == "yes" || answer == "y") co_return true;
    if (answer == "no" || answer == "n") co_return false;
  }
}

Async<Result<bool>> trust_changed_rules(Context* context, client::Transport* engine, std::string folder,
                                        TrustAsking how) {
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
         co_await person_trusts(context,
                                fmt::format("{} of {} changed since you trusted it. Trust the rules as they "
                                            "are now?",
                                            base::join(paths, ", "), reply.root),
                                std::move(how)));
  if (trusted) CO_TRY_OK(co_await client::call_as(engine, std::move(set)));
  co_return trusted;
}

Async<Result<p::Ack>> submit_once_trusted(Context* context, client::Transport* engine, std::string session, p::Op op,
                                          TrustAsking how) {
  Result<p::Ack> ack = co_await engine->submit(session, op);
  const bool refused = !ack.ok() && ack.error().code == p::error_codes::kTrustChanged;
  if (!refused || how.ask != p::AskMode::kClient) co_return ack;
  CO_TRY(const p::SessionInfo info, co_await client::find_session(engine, session));
  CO_TRY(const bool trusted, co_await trust_changed_rules(context, engine, info.cwd, std::move(how)));
  if (!trusted) co_return ack;
  co_return co_await engine->submit(std::move(session), std::move(op));
}

}  // namespace lathe::cli
