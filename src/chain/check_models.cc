#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lathe/base/strings.h"
#include "lathe/chain/checks.h"
#include "lathe/chain/fields.h"

// What is wrong with a value is said without its task: inherited values stand once in the file, and are reported once.

namespace lathe::chain {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

void check_model(Checking& c, const Text& model) {
  if (!c.around.models || !model || !model->constant() || contains(*c.around.models, model->text())) return;
  c.findings.unknown("unknown-model", model.at, fmt::format("no backend here has the model \"{}\"", model->text()),
                     model->text(), *c.around.models);
}

void check_provider(Checking& c, const Text& provider) {
  if (!c.around.providers || !provider || !provider->constant()) return;
  if (contains(*c.around.providers, provider->text())) return;
  c.findings.unknown("unknown-provider", provider.at,
                     fmt::format("there is no backend or provider \"{}\" here", provider->text()), provider->text(),
                     *c.around.providers);
}

void check_candidates(Checking& c, const ModelUse& use) {
  check_model(c, use.model);
  for (const Text& model : use.models) check_model(c, model);
  check_provider(c, use.provider);
  for (const Text& provider : use.providers) check_provider(c, provider);
  if (use.providers.size() > 1 && use.providers.size() != use.models.size()) {
    c.findings.add("unpaired-providers", use.providers.front().at,
                   fmt::format("there are {} models and {} providers", use.models.size(), use.providers.size()),
                   "they belong together in their order; give one for each, or one for all");
  }
}

void check_answer(Checking& c, const ModelUse& use) {
  if (use.temperature && !(*use.temperature >= 0 && *use.temperature <= 2)) {
    c.findings.add("bad-temperature", use.temperature.at,
                   fmt::format("a temperature of {} is outside of 0 to 2", *use.temperature));
  }
  if (use.think && use.think->constant() && !use.think->empty() &&
      std::ranges::find(kThinkLevels, use.think->text()) == kThinkLevels.end()) {
    c.findings.unknown("unknown-think", use.think.at,
                       fmt::format("there is no level of thinking \"{}\"", use.think->text()), use.think->text(),
                       {kThinkLevels.begin(), kThinkLevels.end()});
  }
  if (!use.max_tokens || !use.max_tokens->constant() || use.max_tokens->empty()) return;
  const std::string_view text = base::trim(use.max_tokens->text());
  std::int64_t tokens = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), tokens);
  if (failed != std::errc{} || end != text.data() + text.size() || tokens < 1) {
    c.findings.add("bad-max-tokens", use.max_tokens.at, fmt::format("max_tokens: \"{}\" is no number from 1 on", text));
  } else if (*c.chain.token_limit > 0 && tokens >= *c.chain.token_limit) {
    c.findings.add("bad-max-tokens", use.max_tokens.at,
                   fmt::format("max_tokens of {} leaves no room for the request below the token_limit of {}", tokens,
                               *c.chain.token_limit));
  }
}

void check_retries(Checking& c, const RetryPolicy& retry, Position at) {
  constexpr std::chrono::milliseconds kFirstPause{500};
  const auto first = retry.initial_backoff ? *retry.initial_backoff : kFirstPause;
  if (retry.max_backoff && *retry.max_backoff < first) {
    c.findings.add("retry-backoff-order", retry.max_backoff.at,
                   fmt::format("the longest pause, {}, is shorter than the first one, {}",
                               base::format_duration(*retry.max_backoff), base::format_duration(first)));
  }
  if (retry.jitter && !(*retry.jitter >= 0 && *retry.jitter <= 1)) {
    c.findings.add("retry-jitter", retry.jitter.at, fmt::format("jitter of {} is outside of 0 to 1", *retry.jitter));
  }
  const bool repeats = *retry.max_attempts > 1;
  if (!repeats) {
    c.findings.add("retry-without-attempts", retry.max_attempts ? retry.max_attempts.at : at,
                   "the retry policy allows one attempt, so that nothing of it happens",
                   "give max_attempts of 2 or more");
  }
  if (retry.fallback_after && !retry.fallback_model_id) {
    c.findings.add("fallback-without-model", retry.fallback_after.at, "fallback_after without fallback_model_id");
  } else if (repeats && retry.fallback_after && *retry.fallback_after >= *retry.max_attempts) {
    c.findings.add(
        "fallback-without-model", retry.fallback_after.at,
        fmt::format("{} attempts end before fallback_after of {}", *retry.max_attempts, *retry.fallback_after));
  }
  check_model(c, retry.fallback_model_id);
}

}  // namespace

void check_models(Checking& c) {
  for (const Task& task : c.chain.tasks) {
    const ModelUse* use = task.use();
    if (use == nullptr) continue;
    check_candidates(c, *use);
    check_answer(c, *use);
    if (use->retry_policy) check_retries(c, *use->retry_policy, use->retry_policy.at);
  }
}

}  // namespace lathe::chain
