#include "lathe/providers/cassette/tape.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/files.h"

namespace lathe::providers::cassette {

using base::Json;
using base::Result;

namespace {

constexpr std::size_t kMaxTapeBytes = 1U << 30;
constexpr std::size_t kShortestSecret = 6;
constexpr const char* kOutside = "outside";
constexpr const char* kRecordAgain = "record it again with --record FILE";

Json header_to_json(const TapeHeader& header) {
  return {{"cassette", 1},
          {"created", header.created},
          {"cwd", header.cwd},
          {"temp_dir", header.temp_dir},
          {"normalisers", header.normalisers}};
}

Result<TapeHeader> header_from_json(const Json& json, const std::string& name) {
  if (base::json_int(json, "cassette") != 1) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = name + " is no recording: line 1 is not the header of a cassette",
                       .hint = "record one with --record FILE"};
  }
  TapeHeader header{.created = base::json_int(json, "created"),
                    .cwd = base::json_string(json, "cwd"),
                    .temp_dir = base::json_string(json, "temp_dir", "/tmp"),
                    .normalisers = {}};
  for (const Json& one : base::json_at(json, "normalisers")) {
    if (one.is_string()) header.normalisers.push_back(one.get<std::string>());
  }
  return header;
}

base::Error past_end(const std::string& tape, std::string_view what) {
  return {.code = protocol::error_codes::kCassette,
          .message = fmt::format("cassette {} has no more {}: this run asks for more than was recorded", tape, what),
          .hint = kRecordAgain};
}

bool is_of(const Json& entry, const protocol::ToolCall& call) {
  return base::json_string(entry, "call_id") == call.call_id && base::json_string(entry, "tool") == call.tool;
}

Json taken(std::deque<Json>& entries, std::deque<Json>::iterator found) {
  Json entry = std::move(*found);
  entries.erase(found);
  return entry;
}

}  // namespace

TapeWriter::TapeWriter(std::string path, base::UniqueFd file, File origin, Secrets secrets)
    : path_(std::move(path)), file_(std::move(file)), origin_(origin), secrets_(std::move(secrets)) {}

Result<std::unique_ptr<TapeWriter>> TapeWriter::create(const std::string& path, TapeHeader header, Secrets secrets) {
  File origin = File::kMade;
  auto file = runtime::open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file.ok() && file.error().code == base::codes::kExists) {
    origin = File::kFound;
    file = runtime::open_file(path, O_WRONLY | O_CREAT, 0600);
  }
  if (!file.ok()) return std::move(file).error();
  std::unique_ptr<TapeWriter> tape(new TapeWriter(path, *std::move(file), origin, std::move(secrets)));
  TRY_OK(tape->append(header_to_json(header)));
  return tape;
}

TapeWriter::~TapeWriter() {
  if (!begun_ && origin_ == File::kMade) (void)::unlink(path_.c_str());
}

Result<void> TapeWriter::begin() {
  if (begun_) return {};
  // What is no plain file (a pipe, a terminal) has nothing to replace.
  if (::ftruncate(file_.get(), 0) != 0 && errno != EINVAL) return base::errno_error(errno, path_);
  begun_ = true;
  return runtime::write_all(file_.get(), std::exchange(kept_back_, {}), path_);
}

Result<void> TapeWriter::append(const Json& entry) {
  std::string line = base::dump_json(entry);
  for (const std::string& secret : secrets_()) {
    if (secret.size() < kShortestSecret) continue;
    // As it stands inside a JSON string.
    std::string quoted;
    base::append_json_string(quoted, secret);
    line = base::replace_all(std::move(line), std::string_view(quoted).substr(1, quoted.size() - 2), "[secret]");
  }
  line += '\n';
  if (begun_) return runtime::write_all(file_.get(), line, path_);
  kept_back_ += line;
  return {};
}

Result<void> TapeWriter::append_value(std::string_view name, const Json& value) {
  return append({{"kind", "value"}, {"name", name}, {"value", value}});
}

Result<std::unique_ptr<Tape>> Tape::open(const std::string& path) {
  TRY(const std::string text, runtime::read_file(path, kMaxTapeBytes));
  return parse(text, path);
}

Result<std::unique_ptr<Tape>> Tape::parse(std::string_view text, std::string name) {
  auto tape = std::make_unique<Tape>();
  tape->name_ = std::move(name);
  std::size_t number = 0;
  for (const std::string_view line : base::split_lines(text)) {
    ++number;
    if (base::trim(line).empty()) continue;
    auto parsed = base::parse_json(line, {.max_bytes = kMaxTapeBytes});
    if (!parsed.ok() && number == 1) return header_from_json(Json(), tape->name_).error();
    if (!parsed.ok()) {
      return base::Error{.code = base::codes::kCorrupt,
                         .message = fmt::format("{}: line {}: {}", tape->name_, number, parsed.error().message),
                         .hint = kRecordAgain};
    }
    if (number == 1) {
      TRY(tape->header_, header_from_json(*parsed, tape->name_));
      continue;
    }
    const std::string kind = base::json_string(*parsed, "kind");
    if (kind == "model") {
      tape->model_.push_back(*std::move(parsed));
    } else if (kind == "tool") {
      tape->tool_.push_back(*std::move(parsed));
    } else if (kind == "value") {
      tape->value_.push_back(*std::move(parsed));
    } else if (kind == "models") {
      tape->models_ = base::json_at(*parsed, "models");
    } else {
      return base::Error{.code = base::codes::kCorrupt,
                         .message = fmt::format("{}: line {}: unknown kind \"{}\"", tape->name_, number, kind),
                         .hint = kRecordAgain};
    }
  }
  if (number == 0) return header_from_json(Json(), tape->name_).error();
  if (!tape->model_.empty()) {
    tape->model_name_ = base::json_string(base::json_at(tape->model_.front(), "request"), "model");
  }
  return tape;
}

Result<Json> Tape::take_model(const std::function<bool(const Json& request)>& fits) {
  if (model_.empty() && !parked_) {
    return past_end(name_, fmt::format("model answers after {}", models_taken_));
  }
  auto found = std::ranges::find_if(model_, [&](const Json& entry) { return fits(base::json_at(entry, "request")); });
  if (found == model_.end() && parked_) return *parked_;
  if (found == model_.end()) found = model_.begin();
  ++models_taken_;
  return taken(model_, found);
}

base::Error Tape::ends_parked(const std::string& call_id) {
  parked_ = {.code = protocol::error_codes::kCassette,
             .message = fmt::format("cassette {} ends at call {}: its Task parked there, and what a person answered "
                                    "later, in another process, was not recorded",
                                    name_, call_id),
             .hint = "record a run whose questions are answered while it runs, on a terminal or by a rule"};
  return *parked_;
}

Result<Json> Tape::take_tool(const protocol::ToolCall& call) {
  const auto is_it = [&](const Json& entry) { return is_of(entry, call) && !entry.contains(kOutside); };
  auto found = std::ranges::find_if(tool_, [&](const Json& entry) {
    return is_it(entry) && base::json_string(entry, "arguments") == call.arguments;
  });
  if (found == tool_.end()) found = std::ranges::find_if(tool_, is_it);
  if (found == tool_.end()) return past_end(name_, fmt::format("runs of {} (call {})", call.tool, call.call_id));
  return taken(tool_, found);
}

std::optional<Json> Tape::take_outside(const protocol::ToolCall& call) {
  const auto found =
      std::ranges::find_if(tool_, [&](const Json& entry) { return is_of(entry, call) && entry.contains(kOutside); });
  if (found == tool_.end()) return std::nullopt;
  return taken(tool_, found);
}

Result<Json> Tape::take_value(std::string_view name) {
  std::optional<Json> value = take_value_if(name, [](const Json&) { return true; });
  if (!value) return past_end(name_, fmt::format("values of \"{}\"", name));
  return *std::move(value);
}

std::optional<Json> Tape::take_value_if(std::string_view name, const std::function<bool(const Json& value)>& fits) {
  const auto found = std::ranges::find_if(value_, [&](const Json& entry) {
    return base::json_string(entry, "name") == name && fits(base::json_at(entry, "value"));
  });
  if (found == value_.end()) return std::nullopt;
  return base::json_at(taken(value_, found), "value");
}

Json Tape::find_value(std::string_view name, std::string_view member, std::string_view text) const {
  for (const Json& entry : value_) {
    const Json& value = base::json_at(entry, "value");
    if (base::json_string(entry, "name") == name && base::json_string(value, member) == text) return value;
  }
  return Json();
}

}  // namespace lathe::providers::cassette
