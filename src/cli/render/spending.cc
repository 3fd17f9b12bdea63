#include "lathe/cli/render/spending.h"

#include <utility>
#include <variant>

#include "lathe/cli/render/labels.h"

namespace lathe::cli {

namespace p = lathe::protocol;

struct Spending::Visitor {
  Spending& self;

  template <class T>
  void operator()(const T&) const {}

  void operator()(const p::SessionConfigured& e) const { self.replayed_ = e.replayed; }
  void operator()(const p::TaskStarted&) const {
    const bool replayed = self.replayed_;
    self = Spending();
    self.replayed_ = replayed;
  }
  void operator()(const p::TaskResumed&) const { self.begun_elsewhere_ = true; }
  void operator()(const p::TokenCount& e) const { self.tokens_ = e.total; }
  void operator()(const p::ToolCalls& e) const {
    if (e.usage.total() == 0) return;
    self.answer_counted_ = true;
    add(e.cost_micro_usd);
  }
  void operator()(const p::TurnComplete& e) const {
    if (!std::exchange(self.answer_counted_, false)) add(e.cost_micro_usd);
  }
  void operator()(const p::Compacted& e) const {
    if (e.usage.total() > 0) add(e.cost_micro_usd);
  }
  void operator()(const p::AgentEnded& e) const {
    if (e.usage.total() > 0) add(e.cost_micro_usd);
  }

  void add(const std::optional<std::int64_t>& cost) const {
    if (self.micro_usd_ && cost) {
      *self.micro_usd_ += *cost;
    } else {
      self.micro_usd_.reset();
    }
  }
};

void Spending::note(const p::EventMsg& msg) { std::visit(Visitor{*this}, msg); }

std::string Spending::label() const {
  if (tokens_.total() == 0) return "";
  if (begun_elsewhere_) return tokens_label(tokens_);
  return spent_label(tokens_, micro_usd_, replayed_);
}

std::string spent_label(const p::Usage& usage, std::optional<std::int64_t> cost_micro_usd, bool replayed) {
  return replayed ? tokens_label(usage) + ", as recorded" : usage_label(usage, cost_micro_usd);
}

}  // namespace lathe::cli
