#include "lathe/apps/taint_book.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "lathe/base/json.h"
#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"
#include "lathe/sandbox/session_jail.h"

namespace lathe::apps {

using base::Result;

namespace {

/// What comes after is told when it is found, and not kept.
constexpr std::size_t kMostNotes = 1'000;
constexpr std::size_t kMostBytes = 8U << 20;
constexpr std::size_t kShownNotes = 3;

}  // namespace

std::string TaintBook::file_of(const std::string& workspace) const {
  return folder_ + "/" + sandbox::project_name(workspace) + ".ndjson";
}

Result<void> TaintBook::add(const std::string& workspace, const Note& note) const {
  const std::vector<Note> notes = of(workspace);
  if (notes.size() >= kMostNotes || std::ranges::find(notes, note.text, &Note::text) != notes.end()) return {};
  TRY_OK(runtime::make_folders(folder_));
  const std::string file = file_of(workspace);
  TRY(const base::UniqueFd fd, runtime::open_file(file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW));
  const base::Json line = {{"workspace", workspace}, {"at", note.at}, {"text", note.text}};
  return runtime::write_all(fd.get(), base::dump_json(line) + "\n", file);
}

std::vector<TaintBook::Note> TaintBook::of(const std::string& workspace) const {
  std::vector<Note> notes;
  const auto bytes = runtime::read_file(file_of(workspace), kMostBytes);
  if (!bytes.ok() && bytes.error().code == base::codes::kNotFound) return notes;
  // What cannot be read is no word that nothing was found.
  if (!bytes.ok()) return {{.at = 0, .text = "what was noted of it cannot be read: " + bytes.error().message}};
  for (const std::string_view line : base::split_lines(*bytes)) {
    const auto json = base::parse_json(line);
    if (!json.ok() || !json->is_object() || !json->contains("text") || !(*json)["text"].is_string()) {
      notes.push_back({.at = 0, .text = "a damaged note in " + file_of(workspace)});
      continue;
    }
    const bool timed = json->contains("at") && (*json)["at"].is_number_integer();
    notes.push_back({.at = timed ? (*json)["at"].get<std::int64_t>() : 0, .text = (*json)["text"].get<std::string>()});
  }
  return notes;
}

Result<void> TaintBook::clear(const std::string& workspace) const {
  const std::string file = file_of(workspace);
  if (unlink(file.c_str()) == 0 || errno == ENOENT) return {};
  return base::errno_error(errno, file);
}

std::string taint_in_words(const std::vector<TaintBook::Note>& notes) {
  if (notes.empty()) return "";
  std::string text = "this workspace is tainted by earlier commands:";
  for (const TaintBook::Note& note : notes) {
    if (&note - notes.data() == static_cast<std::ptrdiff_t>(kShownNotes)) break;
    text += " " + note.text + ";";
  }
  if (notes.size() > kShownNotes) text += fmt::format(" and {} more;", notes.size() - kShownNotes);
  return text + " look at it, then say so: lathe sandbox tainted --clear";
}

}  // namespace lathe::apps
