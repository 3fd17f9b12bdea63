#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lathe/agent/test_rig.h"
#include "lathe/base/ids.h"
#include "lathe/providers/anthropic/wire.h"
#include "lathe/providers/ollama/wire.h"
#include "lathe/providers/openai_chat/wire.h"
#include "lathe/providers/openai_responses/wire.h"
#include "lathe/testing/model_server/history.h"
#include "lathe/testing/model_server/request.h"

// A provider's prompt cache lives on requests that begin with the bytes of the one before. Whatever happens in a Task
// (parallel calls, unknown tools, call ids that come twice, broken streams, messages steered in, the next Task), the
// next request begins with the last one: the same items, and on every wire the same bytes, cache marks aside.

namespace lathe::agent {
namespace {

namespace providers = lathe::providers;

fakes::ScriptedAnswer random_answer(Rig& rig, base::SeededRandom& random) {
  fakes::Events events;
  if (random.next() % 2 != 0) {
    const base::Json opaque{{"type", "thinking"}, {"thinking", "hm"}, {"signature", random.next() % 9}};
    events.emplace_back(ports::ReasoningDelta{"hm"});
    events.emplace_back(ports::ReasoningDone{.text = {}, .opaque = opaque});
  }
  if (random.next() % 3 == 0) events.emplace_back(ports::TextDelta{"text " + std::to_string(random.next() % 100)});
  for (std::uint64_t calls = 1 + random.next() % 3; calls > 0; --calls) {
    const char* names[] = {"read_file", "write_file", "no_such_tool"};
    events.emplace_back(ports::CallDone{{.call_id = "c" + std::to_string(random.next() % 4),
                                         .tool = names[random.next() % 3],
                                         .arguments = random.next() % 5 == 0 ? "{\"cut" : "{\"path\": \"a\"}"}});
  }
  fakes::ScriptedAnswer answer{.steps = {std::move(events)}};
  if (random.next() % 4 == 0) answer.steps.emplace_back(fakes::Meanwhile{[&rig] { rig.host.steer("and this"); }});
  if (random.next() % 5 == 0) {
    answer.steps.emplace_back(fakes::Break{fakes::failure("stream_error", ports::RetryClass::kStream)});
  }
  answer.steps.emplace_back(fakes::finish(ports::FinishReason::kToolCalls));
  return answer;
}

/// The requests of three random Tasks of one session, at a model that speaks `provider`. The scripted model refuses a
/// request in which a call has not exactly one result.
std::vector<ports::ModelRequest> requests_of_random_tasks(std::uint64_t seed, std::string provider) {
  base::SeededRandom random(seed);
  Rig rig;
  rig.model = std::make_shared<fakes::ScriptedModel>(rig.loop, std::move(provider));
  rig.candidates[0].connection = rig.model;
  rig.options.repeated_call_limit = 0;
  rig.reader.output = [&random](const protocol::ToolCall&) { return std::string(random.next() % 300, 'o'); };
  for (int task = 0; task < 3; ++task) {
    for (std::uint64_t turn = random.next() % 6; turn > 0; --turn) rig.model->answer(random_answer(rig, random));
    const ports::TaskEnd end = rig.run_task("task " + std::to_string(task));
    EXPECT_EQ(end.kind, ports::TaskEnd::Kind::kComplete) << end.error.message;
    rig.model->say("left over");
    while (rig.model->left() > 0) {
      const ports::TaskEnd more = rig.run_task("more");
      EXPECT_EQ(more.kind, ports::TaskEnd::Kind::kComplete) << more.error.message;
      if (more.kind != ports::TaskEnd::Kind::kComplete) return rig.requests();
    }
  }
  return rig.requests();
}

TEST(StablePrefix, EveryRequestBeginsWithTheItemsOfTheOneBefore) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::vector<ports::ModelRequest> requests = requests_of_random_tasks(seed, "scripted");
    ASSERT_GE(requests.size(), 3U);
    for (std::size_t i = 1; i < requests.size(); ++i) {
      EXPECT_EQ(requests[i].tools, requests[0].tools);
      EXPECT_EQ(requests[i].system_prompt, requests[0].system_prompt);
      EXPECT_EQ(requests[i].cache_key, requests[0].cache_key);
      ASSERT_GE(requests[i].items.size(), requests[i - 1].items.size());
      for (std::size_t k = 0; k < requests[i - 1].items.size(); ++k) {
        ASSERT_EQ(requests[i].items[k], requests[i - 1].items[k]) << "request " << i << " item " << k;
      }
      EXPECT_FALSE(std::holds_alternative<ports::AssistantTextItem>(requests[i].items.back()))
          << "a request never ends with the model's own words";
    }
  }
}

/// A wire as one backend type speaks it, and a model there.
struct Speech {
  std::string type;
  std::string model;
  lathe::testing::Wire kind;
  providers::common::Wire wire;
};

std::vector<Speech> speeches() {
  using lathe::testing::Wire;
  std::vector<Speech> all;
  for (const char* model : {"gpt-5", "other"}) {
    all.push_back({"openai", model, Wire::kOpenaiResponses,
                   providers::openai_responses::wire(providers::openai_responses::quirks_for("openai"))});
  }
  for (const char* type : {"openai-chat", "vllm", "llamacpp", "openrouter", "mistral", "litellm", "compatible"}) {
    for (const char* model : {"gpt-5", "claude-sonnet-5-5"}) {
      all.push_back(
          {type, model, Wire::kOpenaiChat, providers::openai_chat::wire(providers::openai_chat::quirks_for(type))});
    }
  }
  for (const char* model : {"claude-3-5-haiku", "claude-sonnet-4-5", "claude-sonnet-5-5"}) {
    all.push_back({"anthropic", model, Wire::kAnthropic, providers::anthropic::wire({})});
  }
  all.push_back({"ollama", "qwen3", Wire::kOllama, providers::ollama::wire({})});
  return all;
}

/// The body without its cache marks, else byte for byte.
std::string without_cache_marks(const std::string& body) {
  const base::Json read = *base::parse_json(body);
  EXPECT_EQ(base::dump_json(read), body) << "to read and write it again changes nothing";
  return base::dump_json(lathe::testing::without_cache_markers(read));
}

/// The bytes of a body up to the end of its last message, without the quotes and brackets that close it: what comes
/// next may be part of the same message.
std::string up_to_the_last_message(const std::string& body, lathe::testing::Wire kind) {
  const std::string messages = base::dump_json(lathe::testing::messages_of(kind, *base::parse_json(body)));
  const std::size_t at = body.find(messages);
  EXPECT_NE(at, std::string::npos) << "the body is not what its JSON reads as";
  const std::string begin = body.substr(0, at + messages.size());
  return begin.substr(0, begin.find_last_not_of("\"]}") + 1);
}

TEST(StablePrefix, EveryRequestBeginsWithTheBytesOfTheOneBeforeOnEveryWire) {
  for (const Speech& speech : speeches()) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(speech.type + " " + speech.model + " seed " + std::to_string(seed));
      std::string before;
      lathe::testing::PrefixCheck check;
      for (ports::ModelRequest& request : requests_of_random_tasks(seed, std::string(speech.wire.provider))) {
        request.model = speech.model;
        const std::string body = without_cache_marks(speech.wire.body_of(request));
        ASSERT_TRUE(body.starts_with(before)) << "was  " << before << "\nis   " << body;
        if (speech.kind == lathe::testing::Wire::kAnthropic) {
          // What is steered in makes its last message grow.
          EXPECT_EQ(check.next(lathe::testing::read_request(speech.kind, *base::parse_json(body))), std::nullopt);
        }
        before = up_to_the_last_message(body, speech.kind);
        ASSERT_GT(before.size(), 100U);
      }
    }
  }
}

}  // namespace
}  // namespace lathe::agent
