#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/testing/model_server/request.h"

namespace lathe::testing {

/// What breaks the rules of the request's wire (README, "What every request is checked for"); empty when it is sound.
[[nodiscard]] std::vector<std::string> check_history(const ModelRequest& request);

/// A request, or a part of one, without the members that only steer a provider's cache.
[[nodiscard]] base::Json without_cache_markers(const base::Json& value);

/// Remembers the latest request of every conversation (same wire, model and first message of the user) and tells
/// whether the next one only extends it: tools, system prompt and all earlier messages the same byte for byte, cache
/// markers aside. Of these messages only the last may grow, at its end and by whole content blocks: what a provider's
/// cache holds ends with a block, and nothing stood behind that message.
class PrefixCheck final {
 public:
  /// What differs first, or nothing.
  [[nodiscard]] std::optional<std::string> next(const ModelRequest& request);

 private:
  struct Message {
    /// The whole of it.
    std::string text;
    /// Without its content, and the blocks of that; none when the content is no list.
    std::string frame;
    std::vector<std::string> blocks;
  };
  struct Sent {
    std::string system;
    std::string tools;
    std::vector<Message> messages;
    /// Which of them is the user's first.
    std::size_t first_user = 0;
  };
  [[nodiscard]] static Message read_message(const base::Json& message);
  [[nodiscard]] static Sent read(const ModelRequest& request);
  /// The same message with whole blocks added at its end.
  [[nodiscard]] static bool grew(const Message& before, const Message& now);
  [[nodiscard]] static std::optional<std::string> difference(const Sent& before, const Sent& now);
  /// The conversation that this is the next request of, taken out; nothing when it is a new one.
  [[nodiscard]] std::optional<Sent> take_conversation(const std::string& speaker, const Sent& now);

  /// By wire and model, then by the user's first message.
  std::map<std::string, std::map<std::string, Sent>> latest_;
};

}  // namespace lathe::testing
