#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lathe/ports/model.h"

namespace lathe::providers::ollama {

inline constexpr std::string_view kProvider = "ollama";

struct Settings {
  /// Tokens of context asked for. The server's own default (a few thousand) silently forgets the start of any real
  /// task.
  std::int64_t num_ctx = 32'768;
  /// How long the model stays loaded after a request, as Ollama writes durations.
  std::string keep_alive = "30m";
  /// The same by names that are not the wire's, for whoever configures it.
  void set_context_tokens(std::int64_t tokens) { num_ctx = tokens; }
  void set_keep_loaded(std::string span) { keep_alive = std::move(span); }
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// The request's body. The same items give the same bytes, so that request N+1 starts with the messages of request N.
[[nodiscard]] std::string body_of(const ports::ModelRequest& request, const Settings& settings);

}  // namespace lathe::providers::ollama
