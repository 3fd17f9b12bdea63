#include "lathe/protocol/http_routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lathe::protocol {
namespace {

TEST(HttpRoutes, AreFoundByMethodAndPath) {
  const auto op = match_http_route("POST", "/v1/sessions/s1/ops/interrupt");
  ASSERT_TRUE(op);
  EXPECT_EQ(op->route->id, HttpRouteId::kOp);
  EXPECT_EQ(op->values, (std::vector<std::string>{"s1", "interrupt"}));
  EXPECT_EQ(match_http_route("POST", "/v1/sessions")->route->id, HttpRouteId::kNewSession);
  EXPECT_EQ(match_http_route("GET", "/sessions/x/log")->route->id, HttpRouteId::kAgentruntimeLog);
  for (const char* path : {"/", "", "/v1", "/v1/calls", "/v1/calls/a/b", "/health/", "/sessions/x/y", "health"}) {
    EXPECT_FALSE(match_http_route("GET", path)) << path;
    EXPECT_FALSE(match_http_route("POST", path)) << path;
  }
  EXPECT_FALSE(match_http_route("get", "/health"));
}

TEST(HttpRoutes, EachIsReachedByItsOwnPathAndOnlyHealthIsOpen) {
  std::set<std::string_view> names;
  for (const HttpRoute& route : http_routes()) {
    const auto found = match_http_route(route.method, route.path);
    ASSERT_TRUE(found) << route.path;
    EXPECT_EQ(found->route, &route) << route.path;
    EXPECT_TRUE(names.insert(route.name).second) << route.name;
    EXPECT_FALSE(route.answers.empty()) << route.name;
    EXPECT_EQ(route.access == HttpAccess::kOpen, route.id == HttpRouteId::kHealth) << route.name;
    // A call says itself what it needs; a WebSocket's frames do too.
    const bool by_frame =
        route.id == HttpRouteId::kCall || route.id == HttpRouteId::kOp || route.id == HttpRouteId::kConnect;
    EXPECT_EQ(route.scopes == Scopes(), by_frame || route.access == HttpAccess::kOpen) << route.name;
  }
}

}  // namespace
}  // namespace lathe::protocol
