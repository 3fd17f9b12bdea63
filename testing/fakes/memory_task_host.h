#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lathe/fakes/memory_blob_store.h"
#include "lathe/ports/driver.h"
#include "lathe/runtime/loop.h"

namespace lathe::fakes {

/// A session in memory, as a driver sees it: events fold into the state as in a real journal. Plays the engine's part
/// around a Task (start, steer, end).
class MemoryTaskHost final : public ports::TaskHost {
 public:
  explicit MemoryTaskHost(runtime::Loop& loop);

  // What the engine does.
  /// task_started and user_message. `prompt` empty: only the start.
  void start_task(std::string prompt);
  void steer(std::string text);
  /// Records how the Task ended, as the engine would.
  void end_task(const ports::TaskEnd& end);
  void resume_task();
  /// Appends and folds an event that others than the driver record.
  std::int64_t append(protocol::EventMsg msg);

  // What a test decides.
  std::function<ports::GateAnswer(const ports::Action&)> on_gate = [](const ports::Action&) {
    return ports::GateAnswer{.verdict = ports::GateAnswer::Verdict::kRun};
  };
  /// Whether questions are asked ahead; about those actions they are.
  bool is_asking_ahead = false;
  std::vector<ports::Action> asked_ahead;
  /// Answers of the person; absent: nobody is there yet, the question parks the Task.
  std::optional<std::vector<std::string>> on_ask;
  /// Called after each record.
  std::function<void(const protocol::EventMsg&)> on_record;
  std::vector<std::string> known_secrets;
  /// record() fails from that many records on.
  std::optional<std::size_t> disk_full_after;

  // What happened.
  std::vector<protocol::EventMsg> recorded;
  std::vector<protocol::EventMsg> shown;
  /// Recorded and shown, in order.
  std::vector<protocol::EventMsg> all;
  std::map<std::string, std::string> drafts;
  std::vector<ports::Action> gated;

  /// All events of one type in `events`.
  template <class T>
  static std::vector<T> only(const std::vector<protocol::EventMsg>& events) {
    std::vector<T> found;
    for (const protocol::EventMsg& event : events) {
      if (const T* one = std::get_if<T>(&event)) found.push_back(*one);
    }
    return found;
  }
  template <class T>
  [[nodiscard]] std::vector<T> recorded_of() const {
    return only<T>(recorded);
  }
  template <class T>
  [[nodiscard]] std::vector<T> shown_of() const {
    return only<T>(shown);
  }
  /// Outcomes by call id, from end events of all kinds.
  [[nodiscard]] std::vector<std::pair<std::string, protocol::CallOutcome>> outcomes() const;
  [[nodiscard]] MemoryBlobStore& memory_blobs() { return blobs_; }
  /// The state may be bent by a test.
  [[nodiscard]] ports::SessionState& mutable_state() { return state_; }

  // ports::TaskHost
  runtime::Async<base::Result<std::int64_t>> record(protocol::EventMsg msg) override;
  void show(protocol::EventMsg msg) override;
  void draft(ports::DraftKind kind, const std::string& item, std::string_view more) override;
  void drop_draft(const std::string& item) override { drafts.erase(item); }
  [[nodiscard]] const ports::SessionState& state() const override { return state_; }
  runtime::Async<base::Result<ports::GateAnswer>> gate(ports::Action action, runtime::CancelToken cancel) override;
  [[nodiscard]] bool asks_ahead() const override { return is_asking_ahead; }
  runtime::Async<base::Result<void>> ask_ahead(ports::Action action) override;
  [[nodiscard]] bool take_steered() override { return std::exchange(steered_, false); }
  [[nodiscard]] std::vector<std::string> secrets() const override { return known_secrets; }
  [[nodiscard]] ports::BlobStore& blobs() override { return blobs_; }
  [[nodiscard]] const base::Clock& clock() const override { return loop_; }
  [[nodiscard]] std::string new_id(std::string_view prefix) override;
  [[nodiscard]] std::string new_text_id(ports::DraftKind kind) override {
    return new_id(kind == ports::DraftKind::kMessage ? "msg" : "rsn");
  }
  runtime::Async<base::Result<std::vector<std::string>>> ask(std::string call_id,
                                                             std::vector<protocol::Question> questions,
                                                             runtime::CancelToken cancel) override;

 private:
  runtime::Loop& loop_;
  ports::SessionState state_;
  MemoryBlobStore blobs_;
  bool steered_ = false;
  int ids_ = 0;
  int tasks_ = 0;
};

}  // namespace lathe::fakes
