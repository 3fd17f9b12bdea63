#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/cli/commands/command.h"
#include "lathe/cli/render/labels.h"
#include "lathe/cli/render/table.h"

namespace lathe::cli {

namespace p = lathe::protocol;

namespace {

base::Result<int> whole_number(std::string_view text) {
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return number;
  return base::Error{.code = base::codes::kInvalid, .message = fmt::format("\"{}\" is no number", text)};
}

std::string day_text(std::chrono::year_month_day day) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

/// "7d" as the first of the last seven days, a day as itself; "" stays so.
base::Result<std::string> first_day(const std::string& since, base::UnixMillis now) {
  if (since.empty()) return since;
  const base::Error wrong{.code = base::codes::kInvalid,
                          .message = fmt::format("--since {}: neither a day nor a number of them", since),
                          .hint = "2026-11-01, or 7d for the last seven days"};
  if (since.ends_with('d')) {
    const auto days = whole_number(std::string_view(since).substr(0, since.size() - 1));
    constexpr int kMostDays = 36'500;
    if (!days.ok() || *days < 1 || *days > kMostDays) return wrong;
    const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_time<base::Millis>(base::Millis(now)));
    return day_text(today - std::chrono::days(*days - 1));
  }
  const std::vector<std::string_view> parts = base::split(since, '-');
  if (parts.size() != 3) return wrong;
  const auto year = whole_number(parts[0]);
  const auto month = whole_number(parts[1]);
  const auto day = whole_number(parts[2]);
  if (!year.ok() || !month.ok() || !day.ok() || *month < 1 || *day < 1) return wrong;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return wrong;
  return day_text(date);
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, UsageOptions options) {
  CO_TRY(std::string since, first_day(options.since, context->loop.unix_now()));
  CO_TRY(p::UsageReply reply,
         co_await client::call_as(engine, p::UsageCall{.by = options.by, .since = std::move(since)}));
  if (options.json) {
    context->out.add(reply_document(std::move(reply)));
    co_return kDone;
  }
  if (reply.rows.empty()) {
    context->note(options.since.empty() ? "nothing was used yet" : "nothing was used since then");
    co_return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const p::UsageRow& row : reply.rows) {
    rows.push_back({row.key, std::to_string(row.tasks), base::with_thousands(row.usage.input_tokens),
                    base::with_thousands(row.usage.cached_input_tokens), base::with_thousands(row.usage.output_tokens),
                    cost_label(row.cost_micro_usd)});
  }
  std::string first = options.by;
  for (char& letter : first) letter = static_cast<char>(letter - 'a' + 'A');
  context->out.add(table_text({first, "TASKS", "TOKENS IN", "CACHED", "TOKENS OUT", "COST"}, rows, context->out_style));
  co_return kDone;
}

}  // namespace lathe::cli
