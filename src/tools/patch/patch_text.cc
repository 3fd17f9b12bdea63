#include "lathe/tools/patch/patch_text.h"

#include <fmt/format.h>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::tools::patch {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kBegin = "*** Begin Patch";
constexpr std::string_view kEnd = "*** End Patch";
constexpr std::string_view kEnvironment = "*** Environment ID:";
constexpr std::string_view kAdd = "*** Add File: ";
constexpr std::string_view kDelete = "*** Delete File: ";
constexpr std::string_view kUpdate = "*** Update File: ";
constexpr std::string_view kMove = "*** Move to: ";
constexpr std::string_view kEndOfFile = "*** End of File";

std::string shown(std::string_view line) { return base::to_utf8(base::utf8_prefix(line, 120)); }

/// Lines without "\r" at their ends, without a here-document around them.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = base::split_lines(base::trim(text));
  for (std::string_view& line : lines) {
    if (line.ends_with('\r')) line.remove_suffix(1);
  }
  const bool wrapped = lines.size() >= 4 && (lines[0] == "<<EOF" || lines[0] == "<<'EOF'" || lines[0] == "<<\"EOF\"") &&
                       base::trim(lines.back()).ends_with("EOF");
  if (!wrapped) return lines;
  return {lines.begin() + 1, lines.end() - 1};
}

class Parser {
 public:
  explicit Parser(std::vector<std::string_view> lines) : lines_(std::move(lines)) {}

  Result<std::vector<Hunk>> parse() {
    if (lines_.empty() || base::trim(lines_.front()) != kBegin) {
      return wrong(fmt::format("the first line must be \"{}\"", kBegin));
    }
    if (lines_.size() < 2 || base::trim(lines_.back()) != kEnd) {
      return wrong(fmt::format("the last line must be \"{}\"", kEnd));
    }
    end_ = lines_.size() - 1;
    at_ = 1;
    if (at_ < end_ && base::trim(lines_[at_]).starts_with(kEnvironment)) ++at_;
    std::vector<Hunk> hunks;
    while (skip_blank()) {
      TRY(Hunk hunk, parse_hunk());
      hunks.push_back(std::move(hunk));
    }
    if (hunks.empty()) return wrong("it holds no change");
    return hunks;
  }

 private:
  static Error wrong(std::string what) {
    return {.code = base::codes::kInvalid, .message = "the patch is not valid: " + std::move(what)};
  }
  [[nodiscard]] Error wrong_here(std::string_view what) const {
    return wrong(fmt::format("line {}: {}", at_ + 1, what));
  }
  /// False at the end of the patch.
  bool skip_blank() {
    while (at_ < end_ && base::trim(lines_[at_]).empty()) ++at_;
    return at_ < end_;
  }

  Result<Hunk> parse_hunk() {
    const std::string_view header = base::trim(lines_[at_]);
    for (const std::string_view marker : {kAdd, kDelete, kUpdate}) {
      if (!header.starts_with(marker)) continue;
      const std::string path(base::trim(header.substr(marker.size())));
      if (path.empty()) return wrong_here("the path is empty");
      ++at_;
      if (marker == kAdd) return Hunk(AddFile{path, added_lines()});
      if (marker == kDelete) return Hunk(DeleteFile{path});
      return parse_update(path);
    }
    Error error = wrong_here(fmt::format("\"{}\" does not begin the change of a file", shown(header)));
    error.hint = "one of \"*** Add File: path\", \"*** Delete File: path\", \"*** Update File: path\"";
    return error;
  }

  std::string added_lines() {
    std::string content;
    for (; at_ < end_ && lines_[at_].starts_with('+'); ++at_) content.append(lines_[at_].substr(1)).append("\n");
    return content;
  }

  Result<Hunk> parse_update(const std::string& path) {
    UpdateFile update{.path = path, .move_to = {}, .chunks = {}};
    if (at_ < end_ && base::trim_right(lines_[at_]).starts_with(kMove)) {
      update.move_to = base::trim(lines_[at_].substr(kMove.size()));
      if (update.move_to.empty()) return wrong_here("the path is empty");
      ++at_;
    }
    while (skip_blank() && !lines_[at_].starts_with("***")) {
      TRY(Chunk chunk, parse_chunk(/*first=*/update.chunks.empty()));
      update.chunks.push_back(std::move(chunk));
    }
    if (update.chunks.empty() && update.move_to.empty()) {
      return wrong_here(fmt::format("the update of {} changes nothing", path));
    }
    return Hunk(std::move(update));
  }

  Result<Chunk> parse_chunk(bool first) {
    Chunk chunk;
    const std::string_view header = base::trim_right(lines_[at_]);
    if (header == "@@" || header.starts_with("@@ ")) {
      if (header.size() > 3) chunk.context = std::string(header.substr(3));
      ++at_;
    } else if (!first) {
      return wrong_here(fmt::format("a chunk begins with \"@@\", not with \"{}\"", shown(header)));
    }
    for (; at_ < end_; ++at_) {
      const std::string_view line = lines_[at_];
      if (base::trim_right(line) == kEndOfFile) {
        if (chunk.lines.empty()) break;
        chunk.at_end_of_file = true;
        ++at_;
        return chunk;
      }
      if (!take_line(chunk, line)) {
        if (!chunk.lines.empty()) return chunk;
        if (line.starts_with("***") || line.starts_with("@@")) break;
        Error error = wrong_here(fmt::format("\"{}\" is no line of a chunk", shown(line)));
        error.hint = "each begins with \" \" (kept), \"-\" (removed) or \"+\" (added)";
        return error;
      }
    }
    if (chunk.lines.empty()) return wrong_here("the chunk has no lines");
    return chunk;
  }

  static bool take_line(Chunk& chunk, std::string_view line) {
    using Kind = ChunkLine::Kind;
    if (line.empty()) {
      chunk.lines.push_back({Kind::kKept, ""});
      return true;
    }
    if (line[0] != ' ' && line[0] != '-' && line[0] != '+') return false;
    const Kind kind = line[0] == ' ' ? Kind::kKept : line[0] == '-' ? Kind::kRemoved : Kind::kAdded;
    chunk.lines.push_back({kind, std::string(line.substr(1))});
    return true;
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
  /// The line of the end marker.
  std::size_t end_ = 0;
};

}  // namespace

Result<std::vector<Hunk>> parse_patch(std::string_view text) { return Parser(lines_of(text)).parse(); }

}  // namespace lathe::tools::patch
