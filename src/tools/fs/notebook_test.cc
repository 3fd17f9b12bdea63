#include "lathe/tools/fs/notebook.h"

#include <gtest/gtest.h>

namespace lathe::tools::fs {
namespace {

TEST(Notebook, ShowsCellsAndTheirTextualOutput) {
  EXPECT_EQ(notebook_text(R"({"nbformat":4,"cells":[
    {"cell_type":"markdown","source":["# Title\n","text"]},
    {"cell_type":"code","source":"1/0","outputs":[
      {"output_type":"stream","text":["a\n","b\n"]},
      {"output_type":"execute_result","data":{"text/plain":"2","image/png":"AAAA"}},
      {"output_type":"error","ename":"ZeroDivisionError","evalue":"by zero","traceback":[]}]}]})"),
            "[cell 1: markdown]\n# Title\ntext\n[cell 2: code]\n1/0\n[output]\na\nb\n[output]\n2\n"
            "[output]\nZeroDivisionError: by zero\n");
}

TEST(Notebook, WhatIsNoneIsReadAsText) {
  EXPECT_EQ(notebook_text("not json"), std::nullopt);
  EXPECT_EQ(notebook_text("[1]"), std::nullopt);
  EXPECT_EQ(notebook_text(R"({"cells":7})"), std::nullopt);
  EXPECT_EQ(notebook_text(R"({"cells":[7,{"source":{},"outputs":[null]}]})"), "[cell 1: unknown]\n[cell 2: unknown]\n");
}

}  // namespace
}  // namespace lathe::tools::fs
