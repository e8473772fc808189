"""The colours of all figures: Okabe and Ito's, which colour-blind readers can tell apart."""

BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#5A5A5A"
