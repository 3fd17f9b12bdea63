#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "lathe/cli/ask_person.h"
#include "lathe/cli/context.h"
#include "lathe/client/transport.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/ops.h"

namespace lathe::cli {

/// How a person is asked about trust.
struct TrustAsking {
  /// Nobody is asked where questions are not for this client to answer.
  protocol::AskMode ask = protocol::AskMode::kClient;
  /// Null: on the terminal, whatever is on it.
  Asker* asker = nullptr;
  runtime::CancelToken cancel = {};
};

/// Asks on the terminal for a yes or no in a whole line, so that a stray key trusts nothing. No where there is no
/// terminal.
[[nodiscard]] runtime::Async<base::Result<bool>> person_trusts(Context* context, std::string question,
                                                               TrustAsking how = {});

/// Asks about the rules of the project around `folder` that changed since they were trusted; a yes trusts them as they
/// are now. Whether they are.
[[nodiscard]] runtime::Async<base::Result<bool>> trust_changed_rules(Context* context, client::Transport* engine,
                                                                     std::string folder, TrustAsking how);

/// What `step`, called without arguments, gives. Where it is refused because rules of the project around `folder`
/// changed since they were trusted, whoever is at the terminal is asked about them; after a yes, what it gives then.
template <class Step>
[[nodiscard]] std::invoke_result_t<Step> once_trusted(Context* context, client::Transport* engine, std::string folder,
                                                      Step step, TrustAsking how = {}) {
  auto done = co_await step();
  const bool refused = !done.ok() && done.error().code == protocol::error_codes::kTrustChanged;
  if (!refused || how.ask != protocol::AskMode::kClient) co_return done;
  CO_TRY(const bool trusted, co_await trust_changed_rules(context, engine, std::move(folder), std::move(how)));
  if (!trusted) co_return done;
  co_return co_await step();
}

/// The same for an op that is given to a session.
[[nodiscard]] runtime::Async<base::Result<protocol::Ack>> submit_once_trusted(Context* context,
                                                                              client::Transport* engine,
                                                                              std::string session, protocol::Op op,
                                                                              TrustAsking how);

}  // namespace lathe::cli
