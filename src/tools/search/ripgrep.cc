#include "lathe/tools/search/ripgrep.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"

namespace lathe::tools::search {

using base::Error;
using base::Result;
using runtime::Async;

namespace {

constexpr std::chrono::minutes kPatience{1};
constexpr std::size_t kMaxListBytes = 64U << 20;

bool is_word(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
}

/// RE2's pattern in the words of Rust's regex crate, for one line at a time. What RE2 takes for ASCII is Unicode there,
/// characters that mean nothing special in a class of one mean something in the other, and a line keeps its "\r".
class PatternWriter final {
 public:
  explicit PatternWriter(std::string_view pattern) : rest_(pattern) {}

  std::optional<std::string> write() {
    while (!rest_.empty() && !failed_) {
      if (rest_.starts_with('\\')) {
        escape();
      } else if (rest_.starts_with('[')) {
        character_class();
      } else if (rest_.starts_with("(?")) {
        group();
      } else if (take() == '$') {
        out_ += kLineEnd;
      } else {
        out_ += last_;
      }
    }
    if (failed_) return std::nullopt;
    return std::move(out_);
  }

 private:
  static constexpr std::string_view kLineEnd = "(?:\\r?$)";

  char take() {
    last_ = rest_.empty() ? '\0' : rest_.front();
    failed_ = failed_ || rest_.empty();
    if (!rest_.empty()) rest_.remove_prefix(1);
    return last_;
  }
  /// A character that stands for itself, whatever it is.
  void plain(char letter) {
    const bool word = is_word(letter) || static_cast<unsigned char>(letter) >= 0x80;
    out_ += word ? std::string(1, letter) : fmt::format("\\x{:02X}", static_cast<unsigned char>(letter));
  }

  void escape() {
    (void)take();
    switch (take()) {
      case 'w':
        out_ += "[0-9A-Za-z_]";
        return;
      case 'W':
        out_ += "(?-i:[^0-9A-Za-z_])";
        return;
      case 'd':
        out_ += "[0-9]";
        return;
      case 'D':
        out_ += "[^0-9]";
        return;
      case 's':
        out_ += "[\\t\\x0C\\r\\x20]";
        return;
      case 'S':
        out_ += "[^\\t\\x0C\\r\\x20]";
        return;
      case 'b':
        out_ += "(?-u:\\b)";
        return;
      case 'B':
        out_ += "(?-u:\\B)";
        return;
      case 'A':
        out_ += '^';
        return;
      case 'z':
        out_ += kLineEnd;
        return;
      default:
        common_escape();
    }
  }
  /// Those that mean the same in both, in a class as well.
  void common_escape() {
    if (std::string_view("afnrtvxpP").contains(last_)) {
      out_ += '\\';
      out_ += last_;
    } else if (!is_word(last_) && static_cast<unsigned char>(last_) < 0x80) {
      plain(last_);
    } else {
      failed_ = true;
    }
  }

  void character_class() {
    out_ += take();
    if (rest_.starts_with('^')) out_ += take();
    if (rest_.starts_with(']')) plain(take());
    while (!failed_ && !rest_.starts_with(']')) class_member();
    out_ += take();
  }
  void class_member() {
    if (rest_.starts_with("[:")) {
      const std::size_t end = rest_.find(":]");
      failed_ = failed_ || end == std::string_view::npos;
      for (std::size_t i = 0; !failed_ && i < end + 2; ++i) out_ += take();
      return;
    }
    if (rest_.starts_with("--")) failed_ = true;
    const char letter = take();
    if (letter == '\\') {
      class_escape();
    } else if (letter == '-') {
      out_ += letter;
    } else {
      plain(letter);
    }
  }
  void class_escape() {
    switch (take()) {
      case 'w':
        out_ += "0-9A-Za-z_";
        return;
      case 'd':
        out_ += "0-9";
        return;
      case 's':
        out_ += "\\t\\x0C\\r\\x20";
        return;
      default:
        common_escape();
    }
  }

  /// Flags that change what lines are cannot be said.
  void group() {
    const std::string_view head = rest_.substr(0, rest_.find_first_of(":)>"));
    const bool named = head.starts_with("(?P<") || head.starts_with("(?<");
    failed_ = failed_ || (!named && head.find_first_of("ms") != std::string_view::npos);
    for (std::size_t i = 0; i < head.size() && !failed_; ++i) out_ += take();
  }

  std::string_view rest_;
  std::string out_;
  char last_ = '\0';
  bool failed_ = false;
};

/// The options that make ripgrep see the files that walk_files() sees, and nothing of the person's own settings. It
/// would give up a file at the NUL that only ends it for us; told to search binary files, it takes a NUL for the end of
/// a line and reads on.
std::vector<std::string> arguments(const std::string& program, const LineQuery& query, std::string pattern) {
  std::vector<std::string> argv = {
      program,         "--no-config",     "--color=never",    "--files-with-matches", "--null",
      "--no-messages", "--hidden",        "--no-require-git", "--no-ignore-global",   "--no-ignore-exclude",
      "--glob=!.git",  "--encoding=none", "--binary"};
  if (query.ignore_case) argv.emplace_back("--ignore-case");
  if (query.literal) argv.emplace_back("--fixed-strings");
  argv.insert(argv.end(), {"--regexp", std::move(pattern), "--", "."});
  return argv;
}

/// Folder by folder, as walk_files() goes: "a/b" before "a.txt".
bool comes_before(const std::string& a, const std::string& b) {
  const auto [at_a, at_b] = std::ranges::mismatch(a, b);
  const auto rank = [](auto at, auto end) {
    if (at == end) return -1;
    return *at == '/' ? 0 : static_cast<int>(static_cast<unsigned char>(*at));
  };
  return rank(at_a, a.end()) < rank(at_b, b.end());
}

/// Gathers "./path\0./path\0".
class PathList final : public ports::OutputSink {
 public:
  void write(protocol::OutputStream stream, std::string_view bytes) override {
    if (stream != protocol::OutputStream::kStdout) return;
    too_long_ = too_long_ || bytes_.size() + bytes.size() > kMaxListBytes;
    if (!too_long_) bytes_ += bytes;
  }
  [[nodiscard]] bool too_long() const { return too_long_; }
  [[nodiscard]] std::vector<std::string> sorted() const {
    std::vector<std::string> paths;
    for (std::string_view path : base::split(bytes_, '\0')) {
      if (path.starts_with("./")) path.remove_prefix(2);
      if (!path.empty()) paths.emplace_back(path);
    }
    std::ranges::sort(paths, &comes_before);
    return paths;
  }

 private:
  std::string bytes_;
  bool too_long_ = false;
};

Error unavailable(std::string why) {
  return {.code = base::codes::kUnavailable, .message = "ripgrep " + std::move(why)};
}

}  // namespace

std::optional<std::string> ripgrep_pattern(const LineQuery& query) {
  return query.literal ? query.pattern : PatternWriter(query.pattern).write();
}

Async<Result<std::vector<std::string>>> files_by_ripgrep(ports::CommandRunner* runner, std::string program,
                                                         LineQuery query, std::string root,
                                                         runtime::CancelToken cancel) {
  auto pattern = ripgrep_pattern(query);
  if (!pattern) co_return unavailable("cannot be told this pattern");
  PathList found;
  ports::CommandSpec spec{
      .argv = arguments(program, query, *std::move(pattern)), .cwd = std::move(root), .timeout = kPatience};
  const auto exit = co_await runner->run(std::move(spec), found, cancel);
  if (cancel.cancelled()) co_return cancel.reason();
  if (!exit.ok()) co_return exit.error();
  std::vector<std::string> paths = found.sorted();
  // 0: found, 1: not found; 2 also when a single file could not be read.
  const bool ended = exit->status == protocol::CallStatus::kCompleted && !found.too_long();
  if (!ended || exit->exit_code > 2 || (exit->exit_code == 2 && paths.empty())) {
    co_return unavailable(fmt::format("ended with {}", exit->exit_code));
  }
  co_return paths;
}

}  // namespace lathe::tools::search
