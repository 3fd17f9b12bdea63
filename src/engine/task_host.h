#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/secret_filter.h"
#include "lathe/engine/event_feed.h"
#include "lathe/engine/expiries.h"
#include "lathe/engine/parts.h"
#include "lathe/engine/settled_by.h"
#include "lathe/policy/decide.h"
#include "lathe/ports/driver.h"
#include "lathe/runtime/signal.h"

namespace lathe::engine {

/// What a driver sees of its session (ports::TaskHost), and where answers of persons arrive.
///
/// A question is recorded, then waited for, parked or refused as the session's ask mode says. Its answer is recorded
/// once, by whoever was first; a question that ends with its Task is settled as denied. Several may be open: a yes for
/// the session settles those that it covers, and who ends the Task denies them all. Loop thread.
class SessionTaskHost final : public ports::TaskHost {
 public:
  SessionTaskHost(EngineParts& parts, ports::SessionStream& stream, EventFeed& feed);

  // ports::TaskHost
  runtime::Async<base::Result<std::int64_t>> record(protocol::EventMsg msg) override;
  void show(protocol::EventMsg msg) override;
  void draft(ports::DraftKind kind, const std::string& item, std::string_view more) override;
  void drop_draft(const std::string& item) override;
  [[nodiscard]] const ports::SessionState& state() const override { return stream_.state(); }
  runtime::Async<base::Result<ports::GateAnswer>> gate(ports::Action action, runtime::CancelToken cancel) override;
  [[nodiscard]] bool asks_ahead() const override { return ask_mode() != protocol::AskMode::kDeny; }
  runtime::Async<base::Result<void>> ask_ahead(ports::Action action) override;
  [[nodiscard]] ports::MayShow may_show() const override;
  [[nodiscard]] std::optional<protocol::Budget> room() const override { return room_ ? room_() : std::nullopt; }
  [[nodiscard]] bool hands_over() const override { return hands_over_; }
  [[nodiscard]] bool take_steered() override { return std::exchange(steered_, false); }
  [[nodiscard]] ports::BlobStore& blobs() override { return parts_.blobs; }
  [[nodiscard]] std::vector<std::string> secrets() const override { return parts_.secrets(); }
  [[nodiscard]] const base::Clock& clock() const override { return parts_.loop; }
  [[nodiscard]] std::string new_id(std::string_view prefix) override { return base::short_id(prefix, parts_.random); }
  [[nodiscard]] std::string new_text_id(ports::DraftKind kind) override {
    return base::item_id(kind == ports::DraftKind::kMessage ? "m" : "r", parts_.random);
  }
  runtime::Async<base::Result<std::vector<std::string>>> ask(std::string call_id,
                                                             std::vector<protocol::Question> questions,
                                                             runtime::CancelToken cancel) override;

  /// What rules say about an action, for what runs outside of Tasks.
  [[nodiscard]] policy::Verdict verdict_on(const ports::Action& action) const { return judge(action).verdict; }
  /// Records an event that answers a submission: `by` is "<client>/<op id>".
  runtime::Async<base::Result<std::int64_t>> record_by(protocol::EventMsg msg, std::string by);
  /// Settles an open approval. `settled` when it is that already, `not_found` when it never was open; `invalid` when it
  /// has expired (it is settled as denied then) or the answer cannot last; `unsupported` when there is no rule for
  /// approved_always.
  runtime::Async<base::Result<std::int64_t>> settle(std::string id, protocol::Decision decision, std::string note,
                                                    std::optional<base::Json> amended, SettledBy by);
  /// Answers an open user_question.
  runtime::Async<base::Result<std::int64_t>> answer(std::string id, std::vector<std::string> answers, SettledBy by);
  /// Records texts that the Task did not record before it ended, as incomplete; those that cannot be stay for the next
  /// time.
  runtime::Async<base::Result<void>> record_drafts();
  /// A client can no longer answer: a question that nobody else can answer parks the Task.
  void audience_changed();
  /// The Task that runs is to stop at its Turn's edge.
  void hand_over() { hands_over_ = true; }
  void steered() { steered_ = true; }
  [[nodiscard]] bool is_steered() const { return steered_; }
  /// Where room() comes from.
  void set_room(std::function<std::optional<protocol::Budget>()> room) { room_ = std::move(room); }
  /// The `id` of events from now on.
  void set_submission(std::string submission) { submission_ = std::move(submission); }

 private:
  class Settling;
  enum class Asked { kAnswered, kParked, kRefused };
  runtime::Async<base::Result<Asked>> wait_for_answer(std::string question_id, runtime::CancelToken cancel);
  /// Settles an open approval; one that someone is just answering is theirs.
  runtime::Async<base::Result<void>> settle_unless_settled(std::string id, protocol::Decision decision,
                                                           std::string note, std::string by);
  runtime::Async<base::Result<void>> deny_unless_settled(std::string id, std::string note, std::string by);
  /// Settles the open question of a call that rules or grants decide by now. Whether there was one; who was just
  /// answering it was first.
  runtime::Async<base::Result<bool>> settle_by_rules(std::string call_id, protocol::Decision decision);
  /// What an answer to one question means for the others that are open.
  runtime::Async<base::Result<void>> settle_others(protocol::Decision decision);
  runtime::Async<base::Result<void>> settle_other(ports::OpenQuestionState other, protocol::Decision decision);
  /// Waits for whoever is just answering the question.
  runtime::Async<void> while_settling(std::string id);
  /// Why the question, which is not open, takes no answer.
  runtime::Async<base::Error> why_not_open(std::string what, std::string id);
  [[nodiscard]] policy::PolicyDecision judge(const ports::Action& action) const;
  /// What is asked about the action, the content of files that it would run outside the sandbox included.
  runtime::Async<protocol::EventMsg> question_for(ports::Action action, policy::PolicyDecision decision);
  /// Someone can answer while this process runs.
  [[nodiscard]] bool has_answerers() const { return !hands_over_ && feed_.has_answerers(); }
  /// A person can answer now, without the Task being parked.
  [[nodiscard]] bool is_attended() const;
  /// A yes to the question that still holds: nothing refuses the action by now, and its files are what they were.
  runtime::Async<bool> still_holds(ports::Action action, protocol::EventMsg question);
  /// The answer to an earlier question about this call, when it holds for `action` too: `fresh` is what would be asked
  /// now. A refusal always holds; an approval is bound (questions.h).
  [[nodiscard]] std::optional<ports::GateAnswer> earlier_answer(const ports::Action& action,
                                                                const policy::PolicyDecision& decision,
                                                                const protocol::EventMsg& fresh) const;
  /// Asks, and gives what the answer means.
  runtime::Async<base::Result<ports::GateAnswer>> ask_person(ports::Action action, protocol::EventMsg question,
                                                             runtime::CancelToken cancel);
  /// Writes the rules that the question showed to the person's file, and gives them.
  runtime::Async<base::Result<std::string>> write_rules(protocol::EventMsg question);
  [[nodiscard]] protocol::AskMode ask_mode() const;
  [[nodiscard]] protocol::Event event_of(protocol::EventMsg msg, std::string by) const;
  [[nodiscard]] const ports::OpenQuestionState* open_question(const std::string& id) const;
  [[nodiscard]] const ports::OpenQuestionState* question_of_call(const std::string& call_id) const;

  struct Draft {
    ports::DraftKind kind;
    /// Texts are recorded in the order in which they began.
    std::uint64_t number;
    /// Between what comes and the text, so that the whole of it need not be looked through again and again.
    base::SecretFilter filter;
    std::string text;
    base::MonoTime kept_at;
    /// Whether `timer` will write it.
    bool due = false;
    runtime::Timer timer = {};
  };
  void keep_draft(const std::string& item, Draft& draft);

  EngineParts& parts_;
  ports::SessionStream& stream_;
  EventFeed& feed_;
  std::string submission_;
  bool steered_ = false;
  bool hands_over_ = false;
  std::function<std::optional<protocol::Budget>()> room_;
  std::map<std::string, Draft> drafts_;
  std::uint64_t next_draft_ = 0;
  Expiries expiries_;
  /// Questions whose answer is being recorded, and who waits for that.
  std::map<std::string, std::vector<std::shared_ptr<runtime::OneShot<bool>>>> settling_;
  /// Woken when the question of that id is settled.
  std::map<std::string, std::unique_ptr<runtime::Signal>> waiting_;
};

}  // namespace lathe::engine
