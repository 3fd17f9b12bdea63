#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/testing/model_server/script.h"

namespace lathe::testing {

/// One model request as it was received.
struct RecordedRequest {
  /// openai_responses, openai_chat, anthropic, ollama.
  std::string wire;
  std::string path;
  /// Lower-case names; the values of keys and tokens are replaced by "***".
  std::vector<std::pair<std::string, std::string>> headers;
  base::Json body;
  /// What broke the rules of that wire; such a request is answered with 400.
  std::vector<std::string> violations;
};

struct ServerOptions {
  /// 0: any free one.
  std::uint16_t port = 0;
  /// Every request is appended to this file as one line of JSON; empty: none.
  std::string log_path = {};
};

/// A model server on 127.0.0.1 that answers by script on every provider's wire: POST …/responses,
/// …/chat/completions, …/messages, /api/chat, and the model lists. README.md has the script format and the faults.
///
/// On every model request it checks that each tool call of the history has exactly one result, in order and where the
/// wire wants it, that roles are legal, and that the request only extends the earlier one of its conversation.
/// Runs on its own thread; every function may be called from any thread. The destructor closes all connections.
class ScriptedModelServer final {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<ScriptedModelServer>> start(Script script,
                                                                                ServerOptions options = {});
  ~ScriptedModelServer();
  ScriptedModelServer(const ScriptedModelServer&) = delete;
  ScriptedModelServer& operator=(const ScriptedModelServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// "http://127.0.0.1:PORT"; OpenAI clients want url() + "/v1".
  [[nodiscard]] std::string url() const;

  /// Adds one more answer at the end of the script.
  void add(Answer answer);
  /// Opens a gate for good.
  void release(std::string_view gate);
  /// Waits until an answer stands at that gate; false when none does within `timeout`.
  [[nodiscard]] bool wait_at_gate(std::string_view gate,
                                  std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;
  /// Waits until that many model requests were received; false when they are not within `timeout`.
  [[nodiscard]] bool wait_for_requests(std::size_t count,
                                       std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

  /// All model requests so far, in order.
  [[nodiscard]] std::vector<RecordedRequest> requests() const;
  /// "request 3: tool call call_1 has no result", …; empty when every request was sound.
  [[nodiscard]] std::vector<std::string> violations() const;
  /// Requests that do not start with the messages, tools and system prompt of the one before them in the same
  /// conversation (same wire, model and first message), cache markers aside.
  [[nodiscard]] std::vector<std::string> prefix_breaks() const;
  /// Connections accepted so far.
  [[nodiscard]] std::size_t connections() const;

  struct Impl;

 private:
  explicit ScriptedModelServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::testing
