#include "lathe/cli/commands/setup_dialog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "lathe/base/strings.h"
#include "lathe/config/backend_types.h"

namespace lathe::cli {

using base::Error;
using base::Result;

namespace {

constexpr std::string_view kDefaultType = "openai";

bool is_variable_name(std::string_view text) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 && std::ranges::all_of(text, plain);
}

}  // namespace

std::string SetupDialog::question() const {
  const config::BackendType* type = config::find_backend_type(backend_.type);
  switch (step_) {
    case Step::kType:
      return fmt::format("Which kind of backend ({})? [{}]", base::join(config::backend_type_names(), ", "),
                         kDefaultType);
    case Step::kUrl:
      return type->default_url.empty() ? "Its base URL?" : fmt::format("Its base URL? [{}]", type->default_url);
    case Step::kKey:
      return fmt::format("Environment variable that holds its key{}? [{}]",
                         type->key == config::KeyNeed::kRequired ? "" : " (\"-\" for none)",
                         type->default_key_env.empty() ? "-" : type->default_key_env);
    case Step::kName:
      return fmt::format("A name for it? [{}]", offered_name());
    case Step::kDone:
      break;
  }
  return "";
}

Result<void> SetupDialog::answer(std::string_view text) {
  switch (step_) {
    case Step::kType:
      return take_type(text);
    case Step::kUrl:
      return take_url(text);
    case Step::kKey:
      return take_key(text);
    case Step::kName:
      return take_name(text);
    case Step::kDone:
      break;
  }
  return {};
}

Result<void> SetupDialog::take_type(std::string_view text) {
  const std::string name(text.empty() ? kDefaultType : text);
  if (config::find_backend_type(name) == nullptr) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("there is no backend type \"{}\"", name),
                 .hint = base::did_you_mean(name, config::backend_type_names())};
  }
  backend_.type = name;
  step_ = Step::kUrl;
  return {};
}

Result<void> SetupDialog::take_url(std::string_view text) {
  backend_.url = text;
  if (auto checked = config::complete({.name = "new", .type = backend_.type, .url = backend_.url}); !checked.ok()) {
    return std::move(checked).error();
  }
  step_ = Step::kKey;
  return {};
}

Result<void> SetupDialog::take_key(std::string_view text) {
  if (!text.empty() && text != "-" && !is_variable_name(text)) {
    // It may be the key itself: it is not repeated.
    return Error{.code = base::codes::kInvalid,
                 .message = "that is no name of a variable",
                 .hint = "keys are not stored here: export MY_KEY=… and answer MY_KEY"};
  }
  if (text != "-") backend_.api_key_env = text;
  step_ = Step::kName;
  return {};
}

Result<void> SetupDialog::take_name(std::string_view text) {
  backend_.name = text.empty() ? offered_name() : std::string(text);
  if (is_taken(backend_.name)) {
    return Error{.code = base::codes::kExists,
                 .message = fmt::format("there is a backend \"{}\" already", backend_.name),
                 .hint = "give another name"};
  }
  TRY(backend_, config::complete(backend_));
  step_ = Step::kDone;
  return {};
}

bool SetupDialog::is_taken(const std::string& name) const { return std::ranges::find(taken_, name) != taken_.end(); }

std::string SetupDialog::offered_name() const {
  std::string name = backend_.type;
  for (int number = 2; is_taken(name); ++number) name = fmt::format("{}-{}", backend_.type, number);
  return name;
}

Result<std::string> read_line(int fd) {
  std::string line;
  char letter = 0;
  while (true) {
    const ssize_t count = ::read(fd, &letter, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error(errno, "read the terminal");
    if (count == 0) return Error{.code = base::codes::kCancelled, .message = "the input ended"};
    if (letter == '\n') return line;
    line += letter;
  }
}

}  // namespace lathe::cli
