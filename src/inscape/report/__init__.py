"""The report: one offline HTML page about one or more networks."""

from inscape.report._folder import check_folder as check_folder
from inscape.report._write import write as write
from inscape.report._write import write_page as write_page
from inscape.report._write import write_sections as write_sections
