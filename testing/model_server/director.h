#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "lathe/base/unique_fd.h"
#include "lathe/testing/model_server/history.h"
#include "lathe/testing/model_server/render.h"
#include "lathe/testing/model_server/server.h"

namespace lathe::testing {

/// Everything the server knows, apart from sockets: finds the answer for a request, records and judges requests, and
/// keeps the gates. Any thread.
class Director final {
 public:
  explicit Director(Script script) : script_(std::move(script)) {}

  /// Records, judges and answers one model request.
  [[nodiscard]] Response answer(RecordedRequest received, Wire wire);
  /// Records of answered requests also go to this file as lines of JSON.
  void log_to(base::UniqueFd file) { log_ = std::move(file); }

  void add(Answer answer);
  void release(std::string_view gate);
  [[nodiscard]] bool is_open(const std::string& gate) const;
  /// Called (under no lock) whenever a gate is released; set before the first request.
  void on_release(std::function<void()> callback) { on_release_ = std::move(callback); }
  void arrived_at(const std::string& gate);
  void left(const std::string& gate);
  [[nodiscard]] std::vector<std::string> waiting_gates() const;

  [[nodiscard]] bool wait_at_gate(std::string_view gate, std::chrono::milliseconds timeout) const;
  [[nodiscard]] bool wait_for_requests(std::size_t count, std::chrono::milliseconds timeout) const;
  [[nodiscard]] std::vector<RecordedRequest> requests() const;
  [[nodiscard]] std::vector<std::string> violations() const;
  [[nodiscard]] std::vector<std::string> prefix_breaks() const;
  [[nodiscard]] const std::vector<ScriptedModel>& models() const { return script_.models; }

 private:
  [[nodiscard]] const Answer* find_answer(const ModelRequest& request, std::string_view body_text);
  [[nodiscard]] std::optional<std::vector<ReadyCall>> ready_calls(const Answer& answer, const ModelRequest& request);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Script script_;  // the rest: under mutex_, but the models, which never change
  std::vector<std::int64_t> served_;
  std::vector<RecordedRequest> requests_;
  std::vector<std::string> prefix_breaks_;
  PrefixCheck prefixes_;
  std::uint64_t calls_made_ = 0;
  std::set<std::string> open_gates_;
  std::map<std::string, int> waiting_;
  base::UniqueFd log_;
  std::function<void()> on_release_;
};

/// As GET /_control/requests and the log have it.
[[nodiscard]] base::Json to_json(const RecordedRequest& request);

}  // namespace lathe::testing
