# Writes OUT, a C++ file with the template of the page: cmake -DOUT=... -DDIR=... -DSCRIPTS=a.js,b.js
# -P embed.cmake. The texts are raw strings; each script is one of its own, since compilers need not
# take one longer than 64 KiB.
set(mark "EXPLAIN_TEXT")
function(raw_text name out)
  file(READ ${DIR}/${name} text)
  string(FIND "${text}" ")${mark}\"" found)
  if(NOT found EQUAL -1)
    message(FATAL_ERROR "${name} contains )${mark}\"")
  endif()
  set(${out} "R\"${mark}(${text})${mark}\"" PARENT_SCOPE)
endfunction()

string(REPLACE "," ";" scripts "${SCRIPTS}")
raw_text(page.html page)
raw_text(style.css style)
set(joined "")
foreach(script IN LISTS scripts)
  raw_text(${script} text)
  string(APPEND joined "\n${text}")
endforeach()
file(WRITE ${OUT}.new "#include \"sim/report/explain_template.h\"

namespace grassdb::sim {

const std::string_view kExplainPage = ${page};
const std::string_view kExplainStyle = ${style};
const std::string_view kExplainScript =${joined};

}  // namespace grassdb::sim
")
file(COPY_FILE ${OUT}.new ${OUT})
