#include "lathe/tools/search/ripgrep.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lathe/base/strings.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr std::chrono::minutes kPatience{1};
/// Output of an unordered search that is kept for sorting; more than that is searched again in order.
constexpr std::size_t kMaxUnordered = 8U << 20;
constexpr std::size_t kReadBytes = 64U << 10;

/// In order, ripgrep searches on one thread only.
enum class Order { kByPath, kAny };

/// The options that make ripgrep see the files that walk_files() sees, in its order, and nothing of the person's
/// own settings.
std::vector<std::string> arguments(const std::string& program, const LineQuery& query, Order order) {
  std::vector<std::string> argv = {program,
                                   "--no-config",
                                   "--color=never",
                                   "--no-heading",
                                   "--line-number",
                                   "--with-filename",
                                   "--null",
                                   "--no-messages",
                                   "--hidden",
                                   "--no-require-git",
                                   "--no-ignore-dot",
                                   "--no-ignore-global",
                                   "--no-ignore-exclude",
                                   "--glob=!.git",
                                   "--crlf",
                                   "--encoding=none"};
  if (order == Order::kByPath) argv.emplace_back("--sort=path");
  argv.push_back(fmt::format("--max-count={}", query.max_matches + 1));
  if (query.ignore_case) argv.emplace_back("--ignore-case");
  if (query.literal) argv.emplace_back("--fixed-strings");
  argv.insert(argv.end(), {"--regexp", query.pattern, "--", "."});
  return argv;
}

/// "./path\0line:text"; anything else is a remark of ripgrep's.
std::optional<LineMatch> read_line(const LineQuery& query, std::string_view line) {
  const std::size_t nul = line.find('\0');
  if (nul == std::string_view::npos) return std::nullopt;
  std::string_view path = line.substr(0, nul);
  if (path.starts_with("./")) path.remove_prefix(2);
  if (query.files && !query.files->matches(path)) return std::nullopt;
  const std::string_view rest = line.substr(nul + 1);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const auto colon = static_cast<std::size_t>(end - rest.data());
  if (error != std::errc() || colon >= rest.size() || rest[colon] != ':') return std::nullopt;
  return LineMatch{std::string(path), number, shown_line(rest.substr(colon + 1))};
}

/// Folder by folder, as walk_files() goes: "a/b" before "a.txt".
bool comes_before(const LineMatch& a, const LineMatch& b) {
  const auto [at_a, at_b] = std::ranges::mismatch(a.path, b.path);
  if (at_a == a.path.end() && at_b == b.path.end()) return a.line < b.line;
  const auto rank = [](auto at, auto end) {
    if (at == end) return -1;
    return *at == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(*at));
  };
  return rank(at_a, a.path.end()) < rank(at_b, b.path.end());
}

/// One run of ripgrep, whose output is taken line by line and which is ended as soon as no more of it is wanted.
class Search final : public ports::OutputSink {
 public:
  Search(const LineQuery& query, Order order) : query_(query), order_(order) {}

  /// Matches as they came. With Order::kAny `more` says that there was too much to sort.
  Async<Result<LineMatches>> run(ports::CommandRunner* runner, std::string program, std::string root,
                                 runtime::CancelToken cancel) {
    runtime::CancelSource enough(cancel);
    enough_ = &enough;
    ports::CommandSpec spec{.argv = arguments(program, query_, order_), .cwd = std::move(root), .timeout = kPatience};
    const auto exit = co_await runner->run(std::move(spec), *this, enough.token());
    enough_ = nullptr;
    if (cancel.cancelled()) co_return cancel.reason();
    if (!exit.ok()) co_return exit.error();
    if (found_.more) co_return std::move(found_);
    take("\n");
    // 0: found, 1: not found; 2 also when a single file could not be read.
    const bool ended = exit->status == protocol::CallStatus::kCompleted;
    if (!ended || exit->exit_code > 2 || (exit->exit_code == 2 && found_.matches.empty())) {
      co_return Error{.code = base::codes::kUnavailable,
                      .message = fmt::format("ripgrep ended with {}", exit->exit_code)};
    }
    co_return std::move(found_);
  }

  void write(protocol::OutputStream stream, std::string_view bytes) override {
    if (stream != protocol::OutputStream::kStdout || found_.more) return;
    take(bytes);
    if (found_.more && enough_ != nullptr) enough_->cancel(runtime::cancelled_error("enough was found"));
  }

 private:
  void take(std::string_view bytes) {
    bytes_ += bytes.size();
    while (!bytes.empty() && !found_.more) {
      const std::size_t end = bytes.find('\n');
      // Of a line without end only what is shown of it counts, and its name.
      if (rest_.size() < kReadBytes) rest_ += bytes.substr(0, end);
      if (end == std::string_view::npos) break;
      bytes.remove_prefix(end + 1);
      if (auto match = read_line(query_, rest_)) add(*std::move(match));
      rest_.clear();
    }
    if (order_ == Order::kAny && bytes_ > kMaxUnordered) found_.more = true;
  }
  void add(LineMatch match) {
    if (order_ == Order::kByPath && found_.matches.size() == query_.max_matches) {
      found_.more = true;
      return;
    }
    found_.matches.push_back(std::move(match));
  }

  const LineQuery& query_;
  const Order order_;
  LineMatches found_;
  std::string rest_;
  std::size_t bytes_ = 0;
  runtime::CancelSource* enough_ = nullptr;
};

}  // namespace

Async<Result<LineMatches>> search_with_ripgrep(ports::CommandRunner* runner, std::string program, LineQuery query,
                                               std::string root, runtime::CancelToken cancel) {
  Search unordered(query, Order::kAny);
  CO_TRY(LineMatches found, co_await unordered.run(runner, program, root, cancel));
  if (found.more) {
    Search in_order(query, Order::kByPath);
    co_return co_await in_order.run(runner, std::move(program), std::move(root), std::move(cancel));
  }
  std::ranges::sort(found.matches, &comes_before);
  if (found.matches.size() > query.max_matches) {
    found.matches.resize(query.max_matches);
    found.more = true;
  }
  co_return found;
}

}  // namespace lathe::tools::search
