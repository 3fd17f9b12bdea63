#include "lathe/agent/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lathe::agent {
namespace {

using testing::HasSubstr;

/// 1 and 2 micro-dollars a token.
const ports::ModelFacts kPriced{.prices = ports::Prices{.input = 1'000'000, .output = 2'000'000}};

TEST(BudgetMeter, ZeroIsZero) {
  BudgetMeter meter({.turns = 0, .tool_calls = 0, .tokens = 0}, std::nullopt);
  EXPECT_EQ(meter.take_turn().error().code, "budget_exceeded");
  EXPECT_EQ(meter.take_calls(1).error().code, "budget_exceeded");
  EXPECT_THAT(meter.room_for_output(0, {}).error().message, HasSubstr("tokens"));
}

TEST(BudgetMeter, CallsAreTakenTogetherOrNotAtAll) {
  BudgetMeter meter({.tool_calls = 3}, std::nullopt);
  EXPECT_TRUE(meter.take_calls(2).ok());
  EXPECT_THAT(meter.take_calls(2).error().message, HasSubstr("tool calls"));
  EXPECT_TRUE(meter.take_calls(1).ok());
}

TEST(BudgetMeter, TokensAreReservedBeforeTheyAreSpent) {
  BudgetMeter meter({.tokens = 1'000}, std::nullopt);
  EXPECT_EQ(**meter.room_for_output(400, {}), 600);
  EXPECT_EQ(**meter.room_for_output(400, {.max_output_tokens = 200}), 200);
  meter.spend({.input_tokens = 400, .output_tokens = 100}, 0);
  EXPECT_EQ(meter.room_for_output(450, {}).error().code, "budget_exceeded") << "50 tokens are no answer";
  EXPECT_EQ(*BudgetMeter({}, std::nullopt).room_for_output(1, {}), std::nullopt);
}

TEST(BudgetMeter, MoneyIsReservedAtThePriceOfTheModel) {
  BudgetMeter meter({.micro_usd = 1'000}, std::nullopt);
  EXPECT_EQ(**meter.room_for_output(400, kPriced), 300);
  meter.spend({.input_tokens = 400, .output_tokens = 200}, 800);
  EXPECT_THAT(meter.room_for_output(150, kPriced).error().message, HasSubstr("$0.0008 of $0.001"));
}

TEST(BudgetMeter, AnAnswerThatBrokeOffCountsAgainstTheCeilingsOnly) {
  BudgetMeter meter({.tokens = 1'000, .micro_usd = 1'000}, std::nullopt);
  meter.lose({.input_tokens = 400, .output_tokens = 100}, kPriced);
  EXPECT_EQ(**meter.room_for_output(100, kPriced), 150) << "600 of 1,000 are gone, and the request costs 100";
  EXPECT_EQ(**meter.room_for_output(100, {}), 400);
  EXPECT_EQ(meter.usage(), protocol::Usage{});
}

TEST(BudgetMeter, AnUnknownPriceIsRefusedByName) {
  BudgetMeter limited({.micro_usd = 1'000}, std::nullopt);
  const ports::ResolvedModel unknown{.backend = "local", .model = "qwen", .connection = nullptr, .facts = {}};
  EXPECT_EQ(limited.check_price(unknown).error().code, "price_unknown");
  EXPECT_THAT(limited.check_price(unknown).error().message, HasSubstr("local/qwen"));
  EXPECT_TRUE(BudgetMeter({}, std::nullopt).check_price(unknown).ok());
}

TEST(BudgetMeter, AResumedTaskCountsOn) {
  ports::OpenTask used;
  used.turns = 4;
  used.tool_calls = 2;
  used.usage = {.input_tokens = 900, .output_tokens = 50};
  BudgetMeter meter({.turns = 5, .tool_calls = 2, .tokens = 1'000}, used);
  EXPECT_TRUE(meter.take_turn().ok());
  EXPECT_FALSE(meter.take_turn().ok());
  EXPECT_FALSE(meter.take_calls(1).ok());
  EXPECT_FALSE(meter.room_for_output(10, {}).ok());
}

TEST(BudgetMeter, ATurnThatIsUnderWayWasTaken) {
  ports::OpenTask used;
  used.answer = protocol::ToolCalls{.usage = {.input_tokens = 90, .output_tokens = 9}, .cost_micro_usd = 5};
  BudgetMeter meter({.turns = 1}, used);
  EXPECT_FALSE(meter.take_turn().ok());
  EXPECT_EQ(meter.usage().total(), 99);
}

TEST(BudgetMeter, EachBudgetIsAnnouncedOnceAtEightyPercent) {
  BudgetMeter meter({.turns = 5}, std::nullopt);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(meter.take_turn().ok());
  EXPECT_TRUE(meter.news().empty());
  ASSERT_TRUE(meter.take_turn().ok());
  EXPECT_THAT(meter.news(), testing::ElementsAre(protocol::BudgetStatus{.kind = "turns", .used = 4, .limit = 5}));
  ASSERT_TRUE(meter.take_turn().ok());
  EXPECT_TRUE(meter.news().empty());
}

TEST(BudgetMeter, WhatAgentsUseCountsOnce) {
  ports::OpenTask used;
  used.turns = 5;
  used.agents.turns = 2;
  BudgetMeter meter({.turns = 8, .tool_calls = 10, .tokens = 1'000}, used);
  meter.note_agents({.usage = {.input_tokens = 300}, .cost_micro_usd = 4, .turns = 3, .tool_calls = 6});
  meter.note_agents({.usage = {.input_tokens = 300}, .cost_micro_usd = 4, .turns = 3, .tool_calls = 6});
  EXPECT_EQ(meter.usage().total(), 300);
  EXPECT_TRUE(meter.take_calls(4).ok());
  EXPECT_FALSE(meter.take_calls(1).ok());
  EXPECT_TRUE(meter.take_turn().ok());
  EXPECT_TRUE(meter.take_turn().ok());
  EXPECT_FALSE(meter.take_turn().ok()) << "five and one by an agent, and two";
}

TEST(BudgetMeter, TheRoomThatOthersLeaveBoundsItToo) {
  protocol::Budget room{.turns = 1, .tool_calls = 2, .tokens = 500, .micro_usd = 1'000};
  BudgetMeter meter({.turns = 100}, std::nullopt, [&room] { return std::optional(room); });
  const ports::ModelFacts facts{.prices = ports::Prices{.input = 1'000'000, .output = 10'000'000}};
  EXPECT_FALSE(meter.check_price({.backend = "b", .model = "m"}).ok()) << "money is limited from above";
  EXPECT_TRUE(meter.check_price({.backend = "b", .model = "m", .facts = facts}).ok());
  EXPECT_EQ(**meter.room_for_output(100, {}), 400);
  EXPECT_EQ(**meter.room_for_output(100, facts), 90);
  room.tool_calls = -1;  // after the calls that are to be taken: they are recorded first
  EXPECT_FALSE(meter.take_calls(1).ok());
  room.tool_calls = 0;
  EXPECT_TRUE(meter.take_calls(1).ok());
  EXPECT_TRUE(meter.take_turn().ok());
  room.turns = 0;
  EXPECT_EQ(meter.take_turn().error().code, "budget_exceeded");
}

}  // namespace
}  // namespace lathe::agent
