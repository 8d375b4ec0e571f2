// `vlm-notice/register`: scores, pairs and tensors show themselves as the value of a notebook's cell.
import "./base/dispose.js";
import "./display/jupyter.js";
