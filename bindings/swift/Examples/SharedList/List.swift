import Veilfold
